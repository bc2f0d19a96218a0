GRANT SELECT (id, status, payment, stock, cancellation_reason, version, created_at) ON orders TO observer;
