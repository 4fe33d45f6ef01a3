-- In the order in which whoever logs locks them, so that a transaction under way is waited for.
LOCK TABLE "tickets", "mirrors", "actions", "written_ids", "writes", "hints", "feeds", "sides" IN ACCESS EXCLUSIVE MODE;--> statement-breakpoint
-- Names and constant defaults change no row; what takes time on large tables is the indexes alone.
ALTER TABLE "mirrors" RENAME COLUMN "customer_instance" TO "first_instance";--> statement-breakpoint
ALTER TABLE "mirrors" RENAME COLUMN "kind" TO "first_entity";--> statement-breakpoint
ALTER TABLE "mirrors" RENAME COLUMN "customer_ticket" TO "first_ticket";--> statement-breakpoint
ALTER TABLE "mirrors" RENAME COLUMN "customer_number" TO "first_number";--> statement-breakpoint
ALTER TABLE "mirrors" RENAME COLUMN "customer_url" TO "first_url";--> statement-breakpoint
ALTER TABLE "mirrors" RENAME COLUMN "supplier_instance" TO "second_instance";--> statement-breakpoint
ALTER TABLE "mirrors" RENAME COLUMN "supplier_ticket" TO "second_ticket";--> statement-breakpoint
ALTER TABLE "mirrors" RENAME COLUMN "supplier_number" TO "second_number";--> statement-breakpoint
ALTER TABLE "mirrors" RENAME COLUMN "supplier_url" TO "second_url";--> statement-breakpoint
ALTER TABLE "tickets" RENAME COLUMN "kind" TO "entity";--> statement-breakpoint
DROP INDEX "mirrors_live_customer";--> statement-breakpoint
DROP INDEX "mirrors_live_supplier";--> statement-breakpoint
DROP INDEX "mirrors_customer";--> statement-breakpoint
DROP INDEX "mirrors_supplier";--> statement-breakpoint
DROP INDEX "actions_observed";--> statement-breakpoint
DROP INDEX "hints_once";--> statement-breakpoint
DROP INDEX "writes_one_open";--> statement-breakpoint
DROP INDEX "writes_ticket";--> statement-breakpoint
DROP INDEX "writes_open_creates";--> statement-breakpoint
DROP INDEX "written_ids_once";--> statement-breakpoint
-- The index of the key stays as it is.
ALTER TABLE "tickets" RENAME CONSTRAINT "tickets_instance_kind_external_id_pk" TO "tickets_instance_entity_external_id_pk";--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "entity" text DEFAULT 'ticket' NOT NULL;--> statement-breakpoint
ALTER TABLE "feeds" ADD COLUMN "entity" text DEFAULT 'ticket' NOT NULL;--> statement-breakpoint
ALTER TABLE "feeds" DROP CONSTRAINT "feeds_pkey";--> statement-breakpoint
ALTER TABLE "feeds" ADD CONSTRAINT "feeds_instance_entity_pk" PRIMARY KEY("instance","entity");--> statement-breakpoint
ALTER TABLE "hints" ADD COLUMN "entity" text DEFAULT 'ticket' NOT NULL;--> statement-breakpoint
ALTER TABLE "mirrors" ADD COLUMN "second_entity" text DEFAULT 'ticket' NOT NULL;--> statement-breakpoint
ALTER TABLE "sides" ADD COLUMN "place" text;--> statement-breakpoint
UPDATE "sides" SET "place" = CASE "side" WHEN 'customer' THEN 'first' ELSE 'second' END;--> statement-breakpoint
ALTER TABLE "sides" ALTER COLUMN "place" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "writes" ADD COLUMN "entity" text DEFAULT 'ticket' NOT NULL;--> statement-breakpoint
ALTER TABLE "written_ids" ADD COLUMN "entity" text DEFAULT 'ticket' NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "mirrors_live_first" ON "mirrors" USING btree ("link","first_entity","first_ticket") WHERE state in ('opening', 'open');--> statement-breakpoint
CREATE UNIQUE INDEX "mirrors_live_second" ON "mirrors" USING btree ("link","second_entity","second_ticket") WHERE state in ('opening', 'open');--> statement-breakpoint
CREATE INDEX "mirrors_first" ON "mirrors" USING btree ("first_instance","first_entity","first_ticket");--> statement-breakpoint
CREATE INDEX "mirrors_second" ON "mirrors" USING btree ("second_instance","second_entity","second_ticket");--> statement-breakpoint
CREATE UNIQUE INDEX "sides_link_place" ON "sides" USING btree ("link","place");--> statement-breakpoint
CREATE UNIQUE INDEX "actions_observed" ON "actions" USING btree ("instance","entity","ticket","external_id");--> statement-breakpoint
CREATE UNIQUE INDEX "hints_once" ON "hints" USING btree ("instance","entity","ticket");--> statement-breakpoint
CREATE UNIQUE INDEX "writes_one_open" ON "writes" USING btree ("instance","entity","ticket") WHERE state = 'open';--> statement-breakpoint
CREATE INDEX "writes_ticket" ON "writes" USING btree ("instance","entity","ticket","promised_at");--> statement-breakpoint
CREATE INDEX "writes_open_creates" ON "writes" USING btree ("instance","entity") WHERE state = 'open' and ticket is null;--> statement-breakpoint
CREATE UNIQUE INDEX "written_ids_once" ON "written_ids" USING btree ("instance","entity","ticket","external_id");