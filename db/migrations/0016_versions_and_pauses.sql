CREATE TABLE "saved_settings" (
	"subject" text NOT NULL,
	"version" integer NOT NULL,
	"settings" jsonb NOT NULL,
	"changed_by" text NOT NULL,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "saved_settings_subject_version_pk" PRIMARY KEY("subject","version")
);
--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "quiet" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "links" ADD COLUMN "suspended_by" text;--> statement-breakpoint
ALTER TABLE "links" ADD COLUMN "suspended_until" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "links_paused" ON "links" USING btree ("suspended_until") WHERE suspended_until is not null;--> statement-breakpoint
-- What is in force is the first version that is kept; the audit says who saved it last.
INSERT INTO "saved_settings" ("subject", "version", "settings", "changed_by", "changed_at")
SELECT 'profiles/' || p.id, 1, p.settings,
  coalesce((SELECT a.by FROM audit a WHERE a.subject = 'profiles/' || p.id AND a.what = 'apply' ORDER BY a.at DESC LIMIT 1), 'ferry'),
  p.changed_at
FROM profiles p;--> statement-breakpoint
INSERT INTO "saved_settings" ("subject", "version", "settings", "changed_by", "changed_at")
SELECT 'links/' || l.id, 1, l.settings, coalesce(last.by, 'ferry'), coalesce(last.at, l.created_at)
FROM links l
LEFT JOIN LATERAL (
  SELECT a.by, a.at FROM audit a
  WHERE a.subject = 'links/' || l.id AND a.what IN ('apply', 'link') ORDER BY a.at DESC LIMIT 1
) last ON true;
