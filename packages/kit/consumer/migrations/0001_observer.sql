-- observer looks at everything but what events say; letters may settle a dead letter as `walpost dead-letters` does.
GRANT SELECT ON inbox TO observer;
--> statement-breakpoint
GRANT SELECT (id, identity, state, topic, partition, "offset", key, recorded_at, error_code, error_message, attempts,
  created_at, replay_requested_at, settled_at, discard_reason) ON dead_letters TO observer;
--> statement-breakpoint
GRANT SELECT, UPDATE (state, replay_requested_at, settled_at, discard_reason) ON dead_letters TO letters;
