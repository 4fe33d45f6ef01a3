-- Gateways and workers may run as a role that owns nothing; db/base/grants.ts gives it what it needs.

-- A month of attempts is made by the owner on behalf of whoever may ask for it. See db/operate/partitions.ts.
CREATE FUNCTION "make_attempts_month"("month" date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '1s' AS $$
DECLARE
	child text := 'attempts_' || to_char("month", 'YYYY_MM');
	first text := "month" || ' 00:00:00+00';
	after text := ("month" + interval '1 month')::date || ' 00:00:00+00';
BEGIN
	IF "month" <> date_trunc('month', "month")::date
		OR "month" <= (now() AT TIME ZONE 'utc')::date OR "month" > (now() AT TIME ZONE 'utc' + interval '37 months')::date THEN
		RAISE EXCEPTION 'no month of the next three years: %', "month" USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF to_regclass(child) IS NOT NULL THEN
		RETURN false;
	END IF;
	LOCK TABLE ONLY "attempts" IN SHARE UPDATE EXCLUSIVE MODE NOWAIT;
	LOCK TABLE "attempts_default" IN ACCESS EXCLUSIVE MODE NOWAIT;
	EXECUTE format('CREATE TABLE %I (LIKE "attempts" INCLUDING ALL)', child);
	EXECUTE format('WITH moved AS (DELETE FROM "attempts_default" WHERE "at" >= %L AND "at" < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
		first, after, child);
	EXECUTE format('ALTER TABLE "attempts" ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', child, first, after);
	RETURN true;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION "make_attempts_month"(date) FROM PUBLIC;
--> statement-breakpoint
-- The audit only grows: a right to change it that somebody grants by mistake is no way around that.
CREATE FUNCTION "keep_audit"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
		RAISE EXCEPTION 'rows of the audit are neither changed nor deleted' USING ERRCODE = 'insufficient_privilege';
	END IF;
	IF TG_OP = 'DELETE' THEN
		RETURN OLD;
	END IF;
	RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER "keep_audit_rows" BEFORE UPDATE OR DELETE ON "audit" FOR EACH ROW EXECUTE FUNCTION "keep_audit"();
--> statement-breakpoint
CREATE TRIGGER "keep_audit" BEFORE TRUNCATE ON "audit" FOR EACH STATEMENT EXECUTE FUNCTION "keep_audit"();
--> statement-breakpoint
-- A function with its owner's rights looks up names only where the tables are.
DO $$
BEGIN
	EXECUTE format('ALTER FUNCTION "make_attempts_month"(date) SET search_path = %I, pg_temp', current_schema());
	EXECUTE format('ALTER FUNCTION "keep_audit"() SET search_path = %I, pg_temp', current_schema());
END $$;
