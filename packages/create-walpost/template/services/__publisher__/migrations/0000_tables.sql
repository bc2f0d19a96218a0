CREATE TABLE __table__ (
  id text PRIMARY KEY,
  customer_id text NOT NULL,
  quantity integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
