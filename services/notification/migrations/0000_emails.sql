-- One e-mail for each order event. next_attempt_at of a waiting one is when to send it, or when the lease of the sender
-- that is at it runs out.
CREATE TABLE emails (
  id uuid PRIMARY KEY,
  order_id uuid NOT NULL,
  customer_id text NOT NULL,
  kind text NOT NULL,
  recipient text NOT NULL,
  subject text NOT NULL,
  body text NOT NULL,
  message_id text NOT NULL UNIQUE,
  status text NOT NULL CHECK (status IN ('WAITING', 'SENT')),
  attempts integer NOT NULL DEFAULT 0,
  last_error text,
  next_attempt_at timestamptz,
  created_at timestamptz NOT NULL,
  sent_at timestamptz,
  CHECK ((next_attempt_at IS NULL) = (status = 'SENT')),
  CHECK ((sent_at IS NOT NULL) = (status = 'SENT'))
);
--> statement-breakpoint
CREATE INDEX emails_order ON emails (order_id);
--> statement-breakpoint
CREATE INDEX emails_due ON emails (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
--> statement-breakpoint
DO $$ BEGIN EXECUTE format('GRANT SELECT, INSERT, UPDATE ON emails TO %I', current_database() || '_app'); END $$;
