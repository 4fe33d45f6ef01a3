CREATE TABLE "put_off" (
	"instance" text NOT NULL,
	"entity" text DEFAULT 'ticket' NOT NULL,
	"ticket" text NOT NULL,
	"due_at" timestamp with time zone NOT NULL,
	"times" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "put_off_instance_entity_ticket_pk" PRIMARY KEY("instance","entity","ticket")
);
--> statement-breakpoint
CREATE TABLE "unused_files" (
	"sha256" text PRIMARY KEY NOT NULL,
	"marked_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "webhooks" ALTER COLUMN "told_position" SET DATA TYPE bigint;--> statement-breakpoint
ALTER TABLE "couriers" ADD COLUMN "woken_epoch" bigint;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "forgotten_to" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "put_off_due" ON "put_off" USING btree ("due_at");--> statement-breakpoint
CREATE INDEX "unused_files_marked" ON "unused_files" USING btree ("marked_at");
--> statement-breakpoint
-- Three years of months, so that none has to be made in a hurry; see db/operate/partitions.ts, which makes further ones.
DO $$
DECLARE
	month date;
	name text;
BEGIN
	FOR month IN SELECT (date_trunc('month', now() AT TIME ZONE 'utc') + make_interval(months => ahead))::date FROM generate_series(1, 36) ahead LOOP
		name := 'attempts_' || to_char(month, 'YYYY_MM');
		CONTINUE WHEN to_regclass(name) IS NOT NULL;
		EXECUTE format('CREATE TABLE %I (LIKE "attempts" INCLUDING ALL)', name);
		EXECUTE format('WITH moved AS (DELETE FROM "attempts_default" WHERE "at" >= %L AND "at" < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
			month || ' 00:00:00+00', (month + interval '1 month')::date || ' 00:00:00+00', name);
		EXECUTE format('ALTER TABLE "attempts" ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
			name, month || ' 00:00:00+00', (month + interval '1 month')::date || ' 00:00:00+00');
	END LOOP;
END $$;
