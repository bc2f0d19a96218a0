CREATE TABLE totals (customer_id text PRIMARY KEY, orders bigint NOT NULL, amount bigint NOT NULL);
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON totals TO totals_app;
