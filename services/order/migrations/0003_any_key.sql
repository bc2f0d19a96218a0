-- A key is any text: one that is no UUID is of nothing here, and no error.
CREATE OR REPLACE FUNCTION observer.timeline(of_key text)
RETURNS TABLE (what text, at timestamptz, state text, note text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  WITH found AS (
    SELECT status, created_at, cancellation_reason FROM orders
    WHERE id = CASE WHEN of_key ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN of_key::uuid END
  )
  SELECT 'order row written', created_at, 'done', NULL FROM found
  UNION ALL
  SELECT 'order ' || status,
    CASE WHEN status = 'PENDING' THEN created_at
      ELSE (SELECT max(created_at) FROM outbox WHERE aggregateid = of_key) END,
    CASE WHEN status = 'PENDING' THEN 'waiting' ELSE 'done' END, cancellation_reason
  FROM found
$$;
