CREATE TABLE "content_keys" (
	"kid" text PRIMARY KEY NOT NULL,
	"since" timestamp with time zone DEFAULT now() NOT NULL
);
