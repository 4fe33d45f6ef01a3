CREATE TABLE "generations" (
	"generation" bigint PRIMARY KEY NOT NULL,
	"nonce" uuid DEFAULT gen_random_uuid() NOT NULL,
	"beats" bigint DEFAULT 1 NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "mark" text;--> statement-breakpoint
CREATE INDEX "links_quarantined" ON "links" USING btree ("id") WHERE state = 'quarantined';--> statement-breakpoint
CREATE INDEX "links_resumed" ON "links" USING btree ("resumed_at") WHERE resumed_at is not null;