-- A key is any text: one that is no UUID is of nothing here, and no error.
CREATE OR REPLACE FUNCTION observer.timeline(of_key text)
RETURNS TABLE (what text, at timestamptz, state text, note text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT 'stock ' || min(status), max(updated_at), 'done', max(reason)
  FROM reservations
  WHERE order_id = CASE WHEN of_key ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN of_key::uuid END
  HAVING count(*) > 0
$$;
