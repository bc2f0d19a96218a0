GRANT SELECT (order_id, status, reason, version, attempts, next_attempt_at, last_error, created_at, updated_at)
  ON payments TO observer;
