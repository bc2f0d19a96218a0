-- What may be asked of any service, see docs/decisions/0025: what it has handled and set aside, never what events say.
CREATE SCHEMA IF NOT EXISTS observer;
--> statement-breakpoint
DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA observer TO observer, %I', current_database() || '_app'); END $$;
--> statement-breakpoint
CREATE FUNCTION observer.handled(of_key text)
RETURNS TABLE (event_id uuid, topic text, version integer, received_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT event_id, topic, version, received_at FROM inbox WHERE key = of_key
$$;
--> statement-breakpoint
CREATE FUNCTION observer.handled_since(of_topic text, since timestamptz)
RETURNS TABLE (event_id uuid, key text, version integer, received_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT event_id, key, version, received_at FROM inbox WHERE topic = of_topic AND received_at >= since
$$;
--> statement-breakpoint
CREATE TYPE observer.dead_letter AS (id bigint, identity text, state text, topic text, partition integer,
  "offset" bigint, key text, error_code text, error_message text, attempts integer, created_at timestamptz,
  replay_requested_at timestamptz, settled_at timestamptz, discard_reason text);
--> statement-breakpoint
-- Every letter of a key, settled ones too.
CREATE FUNCTION observer.dead_letters(of_key text) RETURNS SETOF observer.dead_letter
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT id, identity, state, topic, partition, "offset", key, error_code, error_message, attempts, created_at,
    replay_requested_at, settled_at, discard_reason
  FROM dead_letters WHERE key = of_key ORDER BY id
$$;
--> statement-breakpoint
-- The oldest open ones of all keys.
CREATE FUNCTION observer.open_dead_letters(most integer) RETURNS SETOF observer.dead_letter
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT id, identity, state, topic, partition, "offset", key, error_code, error_message, attempts, created_at,
    replay_requested_at, settled_at, discard_reason
  FROM dead_letters WHERE state IN ('dead', 'parked') ORDER BY id LIMIT most
$$;
--> statement-breakpoint
-- How many are open, of how many keys, by their index alone: settled ones may be many.
CREATE FUNCTION observer.dead_letter_counts()
RETURNS TABLE (dead integer, parked integer, keys integer, oldest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT count(*) FILTER (WHERE state = 'dead'), count(*) FILTER (WHERE state = 'parked'), count(DISTINCT (topic, key)),
    min(created_at)
  FROM dead_letters WHERE state IN ('dead', 'parked')
$$;
--> statement-breakpoint
-- What follows, a service answers for itself: its own migrations replace these.
--
-- What it has done for a key, or is about to do. state is done, waiting, or failed: that waits for a person.
CREATE FUNCTION observer.timeline(of_key text)
RETURNS TABLE (what text, at timestamptz, state text, note text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT '', now(), '', '' WHERE false
$$;
--> statement-breakpoint
-- What it still has to do by itself: how much waits, since when the oldest does, and how much waits for a person.
CREATE FUNCTION observer.backlog()
RETURNS TABLE (waiting integer, oldest timestamptz, refused integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT 0, now(), 0 WHERE false
$$;
--> statement-breakpoint
-- How many rows of what its work comes to it has ever inserted.
CREATE FUNCTION observer.effects() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT 0
$$;
--> statement-breakpoint
-- Rows ever inserted, as Postgres counts by itself; outbox is null where there is none.
CREATE FUNCTION observer.counters()
RETURNS TABLE (outbox bigint, inbox bigint, effects bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT (SELECT sum(pg_stat_get_tuples_inserted(inhrelid)) FROM pg_inherits WHERE inhparent = to_regclass('outbox')),
    pg_stat_get_tuples_inserted('inbox'::regclass), observer.effects()
$$;
--> statement-breakpoint
REVOKE ALL ON inbox, dead_letters FROM observer;
