ALTER TABLE "tickets" ADD COLUMN "snapshot_top" text;--> statement-breakpoint
ALTER TABLE "tickets" ADD COLUMN "snapshot_begun" timestamp with time zone;