CREATE TABLE totals (
  customer_id text PRIMARY KEY,
  events bigint NOT NULL,
  quantity bigint NOT NULL
);
-- What makes an event count once, also when it comes again after the inbox has forgotten it.
CREATE TABLE counted (key text PRIMARY KEY);
