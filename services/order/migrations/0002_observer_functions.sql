-- What operators and metrics may ask, see docs/decisions/0025.
CREATE OR REPLACE FUNCTION observer.timeline(of_key text)
RETURNS TABLE (what text, at timestamptz, state text, note text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT 'order row written', created_at, 'done', NULL FROM orders WHERE id = of_key::uuid
  UNION ALL
  SELECT 'order ' || status,
    CASE WHEN status = 'PENDING' THEN created_at
      ELSE (SELECT max(created_at) FROM outbox WHERE aggregateid = of_key) END,
    CASE WHEN status = 'PENDING' THEN 'waiting' ELSE 'done' END, cancellation_reason
  FROM orders WHERE id = of_key::uuid
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION observer.backlog()
RETURNS TABLE (waiting integer, oldest timestamptz, refused integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT count(*), min(created_at), 0 FROM orders WHERE status = 'PENDING'
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION observer.effects() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT pg_stat_get_tuples_inserted('orders'::regclass)
$$;
--> statement-breakpoint
-- The newest orders.
CREATE FUNCTION observer.latest(most integer)
RETURNS TABLE (key text, status text, at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT id, status, created_at FROM orders ORDER BY id DESC LIMIT most
$$;
--> statement-breakpoint
-- Those that have waited longest.
CREATE FUNCTION observer.pending(most integer)
RETURNS TABLE (key text, status text, at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT id, status, created_at FROM orders WHERE status = 'PENDING' ORDER BY created_at LIMIT most
$$;
--> statement-breakpoint
REVOKE ALL ON orders FROM observer;
