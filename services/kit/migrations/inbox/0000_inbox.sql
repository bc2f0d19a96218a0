-- One row for each event that this service has acted on. The primary key is what makes an effect happen once.
CREATE TABLE inbox (
  event_id uuid PRIMARY KEY,
  topic text NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE INDEX inbox_received_at ON inbox (received_at);
--> statement-breakpoint
DO $$ BEGIN EXECUTE format('GRANT SELECT, INSERT, DELETE ON inbox TO %I', current_database() || '_app'); END $$;
