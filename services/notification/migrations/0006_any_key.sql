-- A key is any text: one that is no UUID is of nothing here, and no error.
CREATE OR REPLACE FUNCTION observer.timeline(of_key text)
RETURNS TABLE (what text, at timestamptz, state text, note text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT 'e-mail ' || kind || ' ' || status, coalesce(sent_at, created_at),
    CASE status WHEN 'SENT' THEN 'done' WHEN 'REFUSED' THEN 'failed' ELSE 'waiting' END,
    CASE status WHEN 'REFUSED' THEN last_error
      WHEN 'WAITING' THEN 'attempt ' || attempts || coalesce(', ' || last_error, '') END
  FROM emails
  WHERE order_id = CASE WHEN of_key ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN of_key::uuid END
  ORDER BY created_at
$$;
