-- One row for each event that this service has seen. The primary key is what makes an effect happen once.
CREATE TABLE inbox (
  event_id uuid PRIMARY KEY,
  topic text NOT NULL,
  key text NOT NULL,
  version integer NOT NULL,
  received_at timestamptz NOT NULL
);
--> statement-breakpoint
-- For the last version seen of a key: a gap or a step back is noticed by it.
CREATE INDEX inbox_key ON inbox (key, topic, version);
--> statement-breakpoint
CREATE INDEX inbox_received_at ON inbox USING brin (received_at);
--> statement-breakpoint
-- Rows come and go by the million at the two ends of the table: vacuum by number of dead rows, not by share.
ALTER TABLE inbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 500000);
--> statement-breakpoint
CREATE TABLE dead_letters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  identity text NOT NULL UNIQUE,
  state text NOT NULL CHECK (state IN ('dead', 'parked', 'replayed', 'discarded')),
  topic text NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  key text,
  headers jsonb NOT NULL,
  value bytea,
  recorded_at timestamptz NOT NULL,
  error_code text,
  error_message text,
  error_stack text,
  attempts integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  replay_requested_at timestamptz,
  settled_at timestamptz,
  discard_reason text,
  CHECK ((state = 'discarded') = (discard_reason IS NOT NULL))
);
--> statement-breakpoint
CREATE INDEX dead_letters_open ON dead_letters (topic, key, id) WHERE state IN ('dead', 'parked');
--> statement-breakpoint
DO $$
DECLARE
  app text := current_database() || '_app';
BEGIN
  EXECUTE format('GRANT SELECT, INSERT, DELETE ON inbox TO %I', app);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON dead_letters TO %I', app);
END $$;
