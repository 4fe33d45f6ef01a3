CREATE TABLE "gateway" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"fingerprint" text NOT NULL,
	"public_url" text,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "keys" (
	"kid" text PRIMARY KEY NOT NULL,
	"instance" text NOT NULL,
	"use" text NOT NULL,
	"public" jsonb NOT NULL,
	"private" text NOT NULL,
	"signs_from" timestamp with time zone NOT NULL,
	"retires_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "offers" (
	"position" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "offers_position_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"link" text NOT NULL,
	"mirror" uuid NOT NULL,
	"delivery" uuid NOT NULL,
	"action" jsonb,
	"receipt" jsonb,
	"offered_at" timestamp with time zone DEFAULT now() NOT NULL,
	"read_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "origin_keys" (
	"origin" text NOT NULL,
	"kid" text NOT NULL,
	"key" jsonb NOT NULL,
	"vouched_by" text,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "origin_keys_origin_kid_pk" PRIMARY KEY("origin","kid")
);
--> statement-breakpoint
CREATE TABLE "pairings" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"link" text NOT NULL,
	"side" text NOT NULL,
	"instance" text NOT NULL,
	"code_hash" text,
	"code" text,
	"state" text DEFAULT 'invited' NOT NULL,
	"name" text,
	"contact" jsonb,
	"issuer" text,
	"run" uuid,
	"asks" boolean DEFAULT true NOT NULL,
	"checks" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"used_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "peers" (
	"link" text PRIMARY KEY NOT NULL,
	"instance" text NOT NULL,
	"issuer" text NOT NULL,
	"client_id" text NOT NULL,
	"api" text NOT NULL,
	"dpop" text DEFAULT 'optional' NOT NULL,
	"far_link" text NOT NULL,
	"said" jsonb,
	"said_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "seen_jtis" (
	"client" text NOT NULL,
	"jti" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "seen_jtis_client_jti_pk" PRIMARY KEY("client","jti")
);
--> statement-breakpoint
CREATE TABLE "uploads" (
	"link" text NOT NULL,
	"sha256" text NOT NULL,
	"size_bytes" bigint NOT NULL,
	"type" text,
	"put_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "uploads_link_sha256_pk" PRIMARY KEY("link","sha256")
);
--> statement-breakpoint
CREATE TABLE "webhooks" (
	"link" text PRIMARY KEY NOT NULL,
	"url" text NOT NULL,
	"secret" text NOT NULL,
	"told_position" integer DEFAULT 0 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"retry_at" timestamp with time zone,
	"disabled_reason" text
);
--> statement-breakpoint
DROP INDEX "deliveries_waiting";--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "trace" text;--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "signed" text;--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "signature" text;--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "opening" jsonb;--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "drops" jsonb;--> statement-breakpoint
ALTER TABLE "clients" ADD COLUMN "instance" text NOT NULL;--> statement-breakpoint
ALTER TABLE "clients" ADD COLUMN "secrets" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "clients" ADD COLUMN "jwks_uri" text;--> statement-breakpoint
ALTER TABLE "clients" ADD COLUMN "jwks" jsonb;--> statement-breakpoint
ALTER TABLE "clients" ADD COLUMN "dpop" text DEFAULT 'optional' NOT NULL;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "constant" jsonb;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "accepted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "sent_hash" text;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "sent" jsonb;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "asked_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "far" jsonb;--> statement-breakpoint
ALTER TABLE "lanes" ADD COLUMN "acked_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "lanes" ADD COLUMN "accepted_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "links" ADD COLUMN "state_reason" jsonb;--> statement-breakpoint
ALTER TABLE "links" ADD COLUMN "resumed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "links" ADD COLUMN "far_contact" jsonb;--> statement-breakpoint
ALTER TABLE "links" ADD COLUMN "own_contact" jsonb;--> statement-breakpoint
CREATE INDEX "keys_instance" ON "keys" USING btree ("instance","use","signs_from");--> statement-breakpoint
CREATE UNIQUE INDEX "offers_delivery" ON "offers" USING btree ("delivery");--> statement-breakpoint
CREATE INDEX "offers_link" ON "offers" USING btree ("link","position");--> statement-breakpoint
CREATE INDEX "offers_mirror" ON "offers" USING btree ("mirror","position");--> statement-breakpoint
CREATE INDEX "offers_unread" ON "offers" USING btree ("link","position") WHERE read_at is null;--> statement-breakpoint
CREATE INDEX "uploads_file" ON "uploads" USING btree ("sha256");--> statement-breakpoint
CREATE INDEX "uploads_put" ON "uploads" USING btree ("put_at");--> statement-breakpoint
CREATE UNIQUE INDEX "pairings_code" ON "pairings" USING btree ("code_hash");--> statement-breakpoint
CREATE INDEX "pairings_link" ON "pairings" USING btree ("link","created_at");--> statement-breakpoint
CREATE INDEX "seen_jtis_expired" ON "seen_jtis" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "deliveries_accepted" ON "deliveries" USING btree ("accepted_at") WHERE outcome is null and accepted_at is not null;--> statement-breakpoint
CREATE INDEX "deliveries_waiting" ON "deliveries" USING btree ("mirror","to_instance","seq") WHERE outcome is null and accepted_at is null;--> statement-breakpoint
ALTER TABLE "clients" DROP COLUMN "secret_hash";