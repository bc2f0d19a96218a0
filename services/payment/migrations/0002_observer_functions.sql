-- What operators and metrics may ask, see docs/decisions/0025.
CREATE OR REPLACE FUNCTION observer.timeline(of_key text)
RETURNS TABLE (what text, at timestamptz, state text, note text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT 'payment ' || status, updated_at, CASE WHEN next_attempt_at IS NULL THEN 'done' ELSE 'waiting' END,
    CASE WHEN next_attempt_at IS NULL THEN reason ELSE 'attempt ' || attempts || coalesce(', ' || last_error, '') END
  FROM payments WHERE order_id = of_key::uuid
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION observer.backlog()
RETURNS TABLE (waiting integer, oldest timestamptz, refused integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT count(*), min(updated_at), 0 FROM payments WHERE next_attempt_at IS NOT NULL
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION observer.effects() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT pg_stat_get_tuples_inserted('payments'::regclass)
$$;
--> statement-breakpoint
REVOKE ALL ON payments FROM observer;
