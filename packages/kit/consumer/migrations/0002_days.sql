-- The days, in UTC, on which somebody looked after this inbox. Retention counts these, not the clock's: one that jumps
-- ahead by two weeks adds one day and has nothing forgotten. kept_days is the retention with which rows were removed on
-- that day, null when none were. Days from before this table count as seen.
CREATE TABLE inbox_days (
  day date PRIMARY KEY,
  kept_days integer
);
--> statement-breakpoint
INSERT INTO inbox_days (day)
  SELECT (now() AT TIME ZONE 'UTC')::date - back FROM generate_series(0, 1000) AS back;
--> statement-breakpoint
-- An event that comes again is remembered from then on: received_at is when it was last received.
DO $$
DECLARE
  app text := current_database() || '_app';
BEGIN
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON inbox_days TO %I', app);
  EXECUTE format('GRANT UPDATE (received_at) ON inbox TO %I', app);
END $$;
