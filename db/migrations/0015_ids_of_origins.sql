DROP INDEX "deliveries_once";--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "said_id" uuid;--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "vouched_by" text;--> statement-breakpoint
ALTER TABLE "mirrors" ADD COLUMN "said_id" uuid;--> statement-breakpoint
ALTER TABLE "mirrors" ADD COLUMN "opened_by" uuid;--> statement-breakpoint
CREATE INDEX "actions_said" ON "actions" USING btree ("said_id") WHERE said_id is not null;--> statement-breakpoint
CREATE INDEX "mirrors_said" ON "mirrors" USING btree ("link","said_id") WHERE said_id is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "deliveries_once" ON "deliveries" USING btree ("action","to_instance","mirror") WHERE kind = 'action';