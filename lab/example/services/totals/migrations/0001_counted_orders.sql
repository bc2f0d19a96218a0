-- The orders that are in the totals: what makes one count once when the inbox has forgotten its event.
CREATE TABLE counted_orders (order_id uuid PRIMARY KEY);
--> statement-breakpoint
GRANT SELECT, INSERT ON counted_orders TO totals_app;
