-- What `walpost retry` asks and does: the e-mails that the mail server refused for good, of a key or, for NULL, of all keys.
CREATE FUNCTION refused(of_key text)
RETURNS TABLE (key text, what text, attempts integer, at timestamptz, answer text)
LANGUAGE sql STABLE AS $$
  SELECT order_id, kind, attempts, created_at, last_error FROM emails
  WHERE status = 'REFUSED' AND (of_key IS NULL
    OR order_id = CASE WHEN of_key ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN of_key::uuid END)
  ORDER BY created_at, id
$$;
--> statement-breakpoint
CREATE FUNCTION retry_refused(of_key text) RETURNS bigint
LANGUAGE sql AS $$
  WITH again AS (
    UPDATE emails SET status = 'WAITING', next_attempt_at = now()
    WHERE status = 'REFUSED' AND (of_key IS NULL
      OR order_id = CASE WHEN of_key ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN of_key::uuid END)
    RETURNING id
  )
  SELECT count(*) FROM again
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION refused(text), retry_refused(text) FROM PUBLIC;
--> statement-breakpoint
DO $$ BEGIN
  EXECUTE format('GRANT EXECUTE ON FUNCTION refused(text), retry_refused(text) TO %I', current_database() || '_app');
END $$;
