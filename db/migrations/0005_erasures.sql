CREATE TABLE "erasures" (
	"id" uuid NOT NULL,
	"link" text NOT NULL,
	"direction" text NOT NULL,
	"actions" uuid[] NOT NULL,
	"state" text NOT NULL,
	"answer" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ask_at" timestamp with time zone,
	"answered_at" timestamp with time zone,
	CONSTRAINT "erasures_link_direction_id_pk" PRIMARY KEY("link","direction","id")
);
--> statement-breakpoint
CREATE INDEX "erasures_ask" ON "erasures" USING btree ("ask_at") WHERE ask_at is not null;