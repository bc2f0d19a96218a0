-- All but the payload.
GRANT SELECT (id, aggregatetype, aggregateid, aggregateversion, type, ce_source, traceparent, created_at) ON outbox
  TO observer;
