CREATE TABLE orders (
  id uuid PRIMARY KEY,
  customer_id text NOT NULL,
  currency text NOT NULL,
  items jsonb NOT NULL,
  total_amount bigint NOT NULL CHECK (total_amount >= 0),
  status text NOT NULL CHECK (status IN ('PENDING', 'CONFIRMED', 'CANCELLED')),
  payment text NOT NULL CHECK (payment IN ('PENDING', 'YES', 'NO')),
  stock text NOT NULL CHECK (stock IN ('PENDING', 'YES', 'NO')),
  cancellation_reason text,
  version integer NOT NULL CHECK (version > 0),
  created_at timestamptz NOT NULL,
  idempotency_key text UNIQUE,
  request_hash text
);
--> statement-breakpoint
CREATE INDEX orders_customer ON orders (customer_id, id);
--> statement-breakpoint
-- For the sweep that cancels orders whose answers are overdue.
CREATE INDEX orders_pending ON orders (created_at) WHERE status = 'PENDING';
--> statement-breakpoint
DO $$ BEGIN EXECUTE format('GRANT SELECT, INSERT, UPDATE ON orders TO %I', current_database() || '_app'); END $$;
--> statement-breakpoint
-- Named after the connector. The root is published, not its partitions, so that the connector knows one table.
CREATE PUBLICATION order_outbox FOR TABLE outbox WITH (publish = 'insert', publish_via_partition_root = true);
