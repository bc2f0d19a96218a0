-- This grants to the role letters, which is named dlq_operator now. A fresh database gets that role for the length of this
-- transaction: 0004_dlq_operator drops it again.
DO $$
BEGIN
  -- The owner of the tables may not make roles; the superuser, who is logged in, may.
  EXECUTE 'SET LOCAL ROLE NONE';
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'letters') THEN
    EXECUTE 'CREATE ROLE letters NOLOGIN';
  END IF;
  EXECUTE format('SET LOCAL ROLE %I', current_database() || '_owner');
END $$;
--> statement-breakpoint
-- observer looks at everything but what events say; letters may settle a dead letter as `walpost dead-letters` does.
GRANT SELECT ON inbox TO observer;
--> statement-breakpoint
GRANT SELECT (id, identity, state, topic, partition, "offset", key, recorded_at, error_code, error_message, attempts,
  created_at, replay_requested_at, settled_at, discard_reason) ON dead_letters TO observer;
--> statement-breakpoint
GRANT SELECT, UPDATE (state, replay_requested_at, settled_at, discard_reason) ON dead_letters TO letters;
