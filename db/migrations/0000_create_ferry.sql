CREATE TABLE "actions" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"instance" text NOT NULL,
	"ticket" text NOT NULL,
	"external_id" text NOT NULL,
	"origin" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"author" jsonb,
	"audience" text NOT NULL,
	"visibility" text NOT NULL,
	"send_to" text,
	"mailed" boolean,
	"note" text,
	"words" jsonb,
	"attachments" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"hash" text NOT NULL,
	"via" text[] NOT NULL,
	"reason" text,
	"logged_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "attachments" (
	"action" uuid NOT NULL,
	"id" text NOT NULL,
	"sha256" text,
	"size_bytes" bigint,
	"type" text,
	"failure" text,
	"staged_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "attachments_action_id_pk" PRIMARY KEY("action","id")
);
--> statement-breakpoint
CREATE TABLE "attempts" (
	"id" uuid DEFAULT uuidv7() NOT NULL,
	"delivery" uuid NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"duration_ms" integer NOT NULL,
	"result" text NOT NULL,
	"reason" jsonb,
	"versions" jsonb
) PARTITION BY RANGE ("at");
--> statement-breakpoint
-- A row is never refused for want of a month; maintenance makes the months ahead of time.
CREATE TABLE "attempts_default" PARTITION OF "attempts" DEFAULT;
--> statement-breakpoint
CREATE TABLE "audit" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"by" text NOT NULL,
	"what" text NOT NULL,
	"subject" text NOT NULL,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "budgets" (
	"instance" text PRIMARY KEY NOT NULL,
	"slot" bigint NOT NULL,
	"spent" integer[] NOT NULL
);
--> statement-breakpoint
CREATE TABLE "catalogues" (
	"instance" text NOT NULL,
	"version" integer NOT NULL,
	"catalogue" jsonb NOT NULL,
	"read_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "catalogues_instance_version_pk" PRIMARY KEY("instance","version")
);
--> statement-breakpoint
CREATE TABLE "clients" (
	"id" text PRIMARY KEY NOT NULL,
	"link" text NOT NULL,
	"role" text NOT NULL,
	"secret_hash" text,
	"revoked_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "couriers" (
	"instance" text PRIMARY KEY NOT NULL,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"lease_until" timestamp with time zone DEFAULT now() NOT NULL,
	"retry_at" timestamp with time zone,
	"failures" integer DEFAULT 0 NOT NULL,
	"reason" jsonb
);
--> statement-breakpoint
CREATE TABLE "deliveries" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"mirror" uuid NOT NULL,
	"to_instance" text NOT NULL,
	"seq" bigint NOT NULL,
	"kind" text NOT NULL,
	"action" uuid NOT NULL,
	"escalation" boolean DEFAULT false NOT NULL,
	"receipt" jsonb,
	"words" jsonb,
	"via" text[],
	"attempts" integer DEFAULT 0 NOT NULL,
	"first_tried_at" timestamp with time zone,
	"outcome" text,
	"reason" jsonb,
	"drops" jsonb,
	"held_at" timestamp with time zone,
	"set_aside_at" timestamp with time zone,
	"released_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "feeds" (
	"instance" text PRIMARY KEY NOT NULL,
	"cursor" text,
	"next_poll_at" timestamp with time zone DEFAULT now() NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"read_at" timestamp with time zone
);
--> statement-breakpoint
CREATE UNLOGGED TABLE "hints" (
	"instance" text NOT NULL,
	"ticket" text NOT NULL,
	"due_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "instances" (
	"id" text PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"name" text NOT NULL,
	"url" text NOT NULL,
	"options" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"credentials" text NOT NULL,
	"hook_secret_hash" text,
	"version" integer DEFAULT 1 NOT NULL,
	"catalogue_version" integer DEFAULT 0 NOT NULL,
	"live_since" timestamp with time zone,
	"state" text DEFAULT 'new' NOT NULL,
	"state_reason" text,
	"state_since" timestamp with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lanes" (
	"mirror" uuid NOT NULL,
	"to_instance" text NOT NULL,
	"link" text NOT NULL,
	"last_seq" bigint DEFAULT 0 NOT NULL,
	"head_seq" bigint DEFAULT 1 NOT NULL,
	"due_at" timestamp with time zone,
	"sent_seq" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "lanes_mirror_to_instance_pk" PRIMARY KEY("mirror","to_instance")
);
--> statement-breakpoint
CREATE TABLE "links" (
	"id" text PRIMARY KEY NOT NULL,
	"state" text DEFAULT 'active' NOT NULL,
	"settings" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "mirrors" (
	"id" uuid PRIMARY KEY NOT NULL,
	"link" text NOT NULL,
	"kind" text DEFAULT 'ticket' NOT NULL,
	"state" text DEFAULT 'opening' NOT NULL,
	"shadow" boolean DEFAULT false NOT NULL,
	"close_reason" text,
	"closed_at" timestamp with time zone,
	"paused_at" timestamp with time zone,
	"pause_reason" text,
	"customer_instance" text NOT NULL,
	"customer_ticket" text NOT NULL,
	"customer_number" text,
	"customer_url" text,
	"supplier_instance" text NOT NULL,
	"supplier_ticket" text,
	"supplier_number" text,
	"supplier_url" text,
	"turns" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"opened_at" timestamp with time zone,
	"overdue_told_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "notices" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"link" text NOT NULL,
	"cause" text NOT NULL,
	"text" text NOT NULL,
	"count" integer DEFAULT 1 NOT NULL,
	"first_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_at" timestamp with time zone DEFAULT now() NOT NULL,
	"told_at" timestamp with time zone,
	"cleared_at" timestamp with time zone,
	"clear_told_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "people" (
	"side" text NOT NULL,
	"far" text NOT NULL,
	"local" text NOT NULL,
	CONSTRAINT "people_side_far_pk" PRIMARY KEY("side","far")
);
--> statement-breakpoint
CREATE TABLE "profiles" (
	"id" text PRIMARY KEY NOT NULL,
	"settings" jsonb NOT NULL,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "settings" (
	"side" text NOT NULL,
	"version" integer NOT NULL,
	"settings" jsonb NOT NULL,
	"profile" text,
	"own" jsonb,
	"changed_by" text NOT NULL,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "settings_side_version_pk" PRIMARY KEY("side","version")
);
--> statement-breakpoint
CREATE TABLE "sides" (
	"id" text PRIMARY KEY NOT NULL,
	"link" text NOT NULL,
	"side" text NOT NULL,
	"instance" text NOT NULL,
	"settings_version" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tickets" (
	"instance" text NOT NULL,
	"kind" text DEFAULT 'ticket' NOT NULL,
	"external_id" text NOT NULL,
	"cursor" timestamp with time zone,
	"snapshot" jsonb,
	"read_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "tickets_instance_kind_external_id_pk" PRIMARY KEY("instance","kind","external_id")
);
--> statement-breakpoint
CREATE TABLE "writes" (
	"delivery" uuid NOT NULL,
	"step" integer NOT NULL,
	"instance" text NOT NULL,
	"ticket" text,
	"marker" text NOT NULL,
	"fingerprints" text[] NOT NULL,
	"plan" jsonb,
	"state" text DEFAULT 'open' NOT NULL,
	"written" jsonb,
	"promised_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deadline" timestamp with time zone NOT NULL,
	"settled_at" timestamp with time zone,
	CONSTRAINT "writes_delivery_step_pk" PRIMARY KEY("delivery","step")
);
--> statement-breakpoint
CREATE TABLE "written_ids" (
	"instance" text NOT NULL,
	"ticket" text NOT NULL,
	"external_id" text NOT NULL,
	"as" text NOT NULL,
	"delivery" uuid,
	"step" integer,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "actions_observed" ON "actions" USING btree ("instance","ticket","external_id");--> statement-breakpoint
CREATE UNIQUE INDEX "actions_origin" ON "actions" USING btree ("origin","id");--> statement-breakpoint
CREATE INDEX "actions_not_carried" ON "actions" USING btree ("logged_at") WHERE reason is not null;--> statement-breakpoint
CREATE INDEX "attachments_file" ON "attachments" USING btree ("sha256");--> statement-breakpoint
CREATE INDEX "attempts_delivery" ON "attempts" USING btree ("delivery");--> statement-breakpoint
CREATE INDEX "audit_subject" ON "audit" USING btree ("subject","at");--> statement-breakpoint
CREATE UNIQUE INDEX "deliveries_lane" ON "deliveries" USING btree ("mirror","to_instance","seq");--> statement-breakpoint
CREATE UNIQUE INDEX "deliveries_once" ON "deliveries" USING btree ("action","to_instance") WHERE kind = 'action';--> statement-breakpoint
CREATE INDEX "deliveries_waiting" ON "deliveries" USING btree ("mirror","to_instance","seq") WHERE outcome is null;--> statement-breakpoint
CREATE INDEX "deliveries_held" ON "deliveries" USING btree ("held_at") WHERE outcome is null and held_at is not null;--> statement-breakpoint
CREATE INDEX "deliveries_action" ON "deliveries" USING btree ("action");--> statement-breakpoint
CREATE INDEX "feeds_next_poll" ON "feeds" USING btree ("next_poll_at");--> statement-breakpoint
CREATE UNIQUE INDEX "hints_once" ON "hints" USING btree ("instance","ticket");--> statement-breakpoint
CREATE INDEX "hints_due" ON "hints" USING btree ("due_at");--> statement-breakpoint
CREATE INDEX "lanes_due" ON "lanes" USING btree ("to_instance","due_at") WHERE due_at is not null;--> statement-breakpoint
CREATE INDEX "lanes_due_link" ON "lanes" USING btree ("to_instance","link","due_at") WHERE due_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "mirrors_live_customer" ON "mirrors" USING btree ("link","customer_ticket") WHERE state in ('opening', 'open');--> statement-breakpoint
CREATE UNIQUE INDEX "mirrors_live_supplier" ON "mirrors" USING btree ("link","supplier_ticket") WHERE state in ('opening', 'open');--> statement-breakpoint
CREATE INDEX "mirrors_customer" ON "mirrors" USING btree ("customer_instance","customer_ticket");--> statement-breakpoint
CREATE INDEX "mirrors_supplier" ON "mirrors" USING btree ("supplier_instance","supplier_ticket");--> statement-breakpoint
CREATE INDEX "mirrors_opening" ON "mirrors" USING btree ("created_at") WHERE state = 'opening';--> statement-breakpoint
CREATE UNIQUE INDEX "notices_open" ON "notices" USING btree ("link","cause") WHERE cleared_at is null;--> statement-breakpoint
CREATE INDEX "notices_untold" ON "notices" USING btree ("last_at") WHERE told_at is null or (cleared_at is not null and clear_told_at is null);--> statement-breakpoint
CREATE UNIQUE INDEX "sides_link_side" ON "sides" USING btree ("link","side");--> statement-breakpoint
CREATE UNIQUE INDEX "sides_instance" ON "sides" USING btree ("instance","side","link");--> statement-breakpoint
CREATE UNIQUE INDEX "writes_one_open" ON "writes" USING btree ("instance","ticket") WHERE state = 'open';--> statement-breakpoint
CREATE INDEX "writes_ticket" ON "writes" USING btree ("instance","ticket","promised_at");--> statement-breakpoint
CREATE INDEX "writes_open_creates" ON "writes" USING btree ("instance") WHERE state = 'open' and ticket is null;--> statement-breakpoint
CREATE UNIQUE INDEX "written_ids_once" ON "written_ids" USING btree ("instance","ticket","external_id");