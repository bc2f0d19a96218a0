-- What operators and metrics may ask, see docs/decisions/0025: neither address nor text.
CREATE OR REPLACE FUNCTION observer.timeline(of_key text)
RETURNS TABLE (what text, at timestamptz, state text, note text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT 'e-mail ' || kind || ' ' || status, coalesce(sent_at, created_at),
    CASE status WHEN 'SENT' THEN 'done' WHEN 'REFUSED' THEN 'failed' ELSE 'waiting' END,
    CASE status WHEN 'REFUSED' THEN last_error
      WHEN 'WAITING' THEN 'attempt ' || attempts || coalesce(', ' || last_error, '') END
  FROM emails WHERE order_id = of_key::uuid ORDER BY created_at
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION observer.backlog()
RETURNS TABLE (waiting integer, oldest timestamptz, refused integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT count(*), min(created_at), (SELECT count(*) FROM emails WHERE status = 'REFUSED')
  FROM emails WHERE next_attempt_at IS NOT NULL
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION observer.effects() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT pg_stat_get_tuples_inserted('emails'::regclass)
$$;
--> statement-breakpoint
REVOKE ALL ON emails FROM observer;
