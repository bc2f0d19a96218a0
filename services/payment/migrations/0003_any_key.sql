-- A key is any text: one that is no UUID is of nothing here, and no error.
CREATE OR REPLACE FUNCTION observer.timeline(of_key text)
RETURNS TABLE (what text, at timestamptz, state text, note text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT 'payment ' || status, updated_at, CASE WHEN next_attempt_at IS NULL THEN 'done' ELSE 'waiting' END,
    CASE WHEN next_attempt_at IS NULL THEN reason ELSE 'attempt ' || attempts || coalesce(', ' || last_error, '') END
  FROM payments
  WHERE order_id = CASE WHEN of_key ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN of_key::uuid END
$$;
