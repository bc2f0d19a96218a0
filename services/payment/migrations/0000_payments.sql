-- One payment for each order. next_attempt_at is set as long as the gateway has to be called: when it is due, or when
-- the lease of the worker that calls it runs out.
CREATE TABLE payments (
  id uuid PRIMARY KEY,
  order_id uuid NOT NULL UNIQUE,
  customer_id text NOT NULL,
  amount bigint NOT NULL CHECK (amount >= 0),
  currency text NOT NULL,
  status text NOT NULL
    CHECK (status IN ('REQUESTED', 'AUTHORIZING', 'CANCELLING', 'AUTHORIZED', 'REFUNDING', 'REFUNDED', 'DECLINED')),
  reason text,
  version integer NOT NULL CHECK (version >= 0),
  traceparent text,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  last_error text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CHECK ((next_attempt_at IS NULL) = (status IN ('AUTHORIZED', 'REFUNDED', 'DECLINED')))
);
--> statement-breakpoint
CREATE INDEX payments_due ON payments (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
--> statement-breakpoint
DO $$ BEGIN EXECUTE format('GRANT SELECT, INSERT, UPDATE ON payments TO %I', current_database() || '_app'); END $$;
--> statement-breakpoint
-- Named after the connector. The root is published, not its partitions, so that the connector knows one table.
CREATE PUBLICATION payment_outbox FOR TABLE outbox WITH (publish = 'insert', publish_via_partition_root = true);
