CREATE TABLE "trials" (
	"instance" text NOT NULL,
	"ticket" text NOT NULL,
	"marker" text NOT NULL,
	"before" jsonb NOT NULL,
	"known" text[] NOT NULL,
	"statuses" text[] NOT NULL,
	"fields" text[] NOT NULL,
	"summary" boolean NOT NULL,
	"over_at" timestamp with time zone NOT NULL,
	CONSTRAINT "trials_instance_ticket_pk" PRIMARY KEY("instance","ticket")
);
