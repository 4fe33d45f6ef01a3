ALTER TABLE "origin_keys" DROP CONSTRAINT "origin_keys_origin_kid_pk";--> statement-breakpoint
ALTER TABLE "clients" ADD COLUMN "jwks_read_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "origin_keys" ADD COLUMN "confirmed_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "origin_keys" ADD COLUMN "retired_at" timestamp with time zone;--> statement-breakpoint
CREATE UNIQUE INDEX "origin_keys_reason" ON "origin_keys" USING btree ("origin","kid",coalesce("vouched_by", ''));