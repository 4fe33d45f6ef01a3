ALTER TABLE "instances" ADD COLUMN "identity" text;--> statement-breakpoint
ALTER TABLE "instances" ADD CONSTRAINT "instances_identity" UNIQUE("identity");