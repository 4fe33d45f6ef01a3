ALTER TABLE "actions" ADD COLUMN "made_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "live_after" text;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "clock_offset_ms" integer;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "clock_by" text;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "clock_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "quarantined_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "quarantine_reason" jsonb;--> statement-breakpoint
ALTER TABLE "tickets" ADD COLUMN "floor" text;--> statement-breakpoint
ALTER TABLE "tickets" ADD COLUMN "high" text;--> statement-breakpoint
ALTER TABLE "tickets" ADD COLUMN "high_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "tickets" ADD COLUMN "mark" text;--> statement-breakpoint
ALTER TABLE "tickets" ADD COLUMN "missing_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "tickets" ADD COLUMN "missing_beside_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "written_ids" ADD COLUMN "made_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "tickets_missing" ON "tickets" USING btree ("missing_since") WHERE missing_since is not null;--> statement-breakpoint
-- A position of ids from the times that were kept: everything an hour older than what was read last is surely known, and
-- what is above it is known by its own row.
UPDATE "tickets" t SET "floor" = known."floor"::text
FROM (
	SELECT k."instance", k."entity", k."ticket",
		max(CASE WHEN k."external_id" ~ '^[0-9]{1,15}$' THEN k."external_id"::bigint END) AS "floor"
	FROM (
		SELECT "instance", "entity", "ticket", "external_id", "at" FROM "actions"
		UNION ALL
		SELECT "instance", "entity", "ticket", "external_id", "at" FROM "written_ids"
	) k
	JOIN "tickets" read ON read."instance" = k."instance" AND read."entity" = k."entity" AND read."external_id" = k."ticket"
	WHERE k."at" < least(read."cursor", now()) - interval '1 hour'
	GROUP BY k."instance", k."entity", k."ticket"
) known
WHERE t."instance" = known."instance" AND t."entity" = known."entity" AND t."external_id" = known."ticket"
	AND known."floor" IS NOT NULL;
