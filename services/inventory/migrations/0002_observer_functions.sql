-- What operators and metrics may ask, see docs/decisions/0025.
CREATE OR REPLACE FUNCTION observer.timeline(of_key text)
RETURNS TABLE (what text, at timestamptz, state text, note text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT 'stock ' || min(status), max(updated_at), 'done', max(reason)
  FROM reservations WHERE order_id = of_key::uuid HAVING count(*) > 0
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION observer.effects() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT pg_stat_get_tuples_inserted('reservations'::regclass)
$$;
--> statement-breakpoint
REVOKE ALL ON reservations FROM observer;
