CREATE TABLE stock (
  sku text PRIMARY KEY,
  on_hand integer NOT NULL CHECK (on_hand >= 0),
  reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0)
);
--> statement-breakpoint
-- The lines of every order that was decided, those of a rejected order too: they tell that it was.
CREATE TABLE reservations (
  order_id uuid NOT NULL,
  sku text NOT NULL,
  quantity bigint NOT NULL CHECK (quantity > 0),
  status text NOT NULL CHECK (status IN ('RESERVED', 'RELEASED', 'REJECTED')),
  reason text,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (order_id, sku)
);
--> statement-breakpoint
INSERT INTO stock (sku, on_hand) VALUES
  ('BOOK-1', 1000000), ('BOOK-2', 1000000), ('MUG-1', 1000000), ('PEN-1', 1000000), ('LAMP-1', 3), ('SOLD-OUT', 0)
ON CONFLICT (sku) DO NOTHING;
--> statement-breakpoint
DO $$
DECLARE
  app text := current_database() || '_app';
BEGIN
  EXECUTE format('GRANT SELECT, UPDATE ON stock TO %I', app);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON reservations TO %I', app);
END $$;
--> statement-breakpoint
-- Named after the connector. The root is published, not its partitions, so that the connector knows one table.
CREATE PUBLICATION inventory_outbox FOR TABLE outbox WITH (publish = 'insert', publish_via_partition_root = true);
