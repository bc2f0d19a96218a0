-- Neither address nor text.
GRANT SELECT (id, order_id, kind, status, attempts, last_error, next_attempt_at, created_at, sent_at) ON emails
  TO observer;
