-- The outbox is kept and only ever inserted into, so that a lost slot or a wiped topic can be answered from it.
-- It is partitioned by day: old days are dropped whole, which costs no vacuum.
CREATE TABLE outbox (
  id uuid NOT NULL,
  aggregatetype text NOT NULL,
  aggregateid text NOT NULL,
  aggregateversion integer NOT NULL CHECK (aggregateversion > 0),
  type text NOT NULL,
  payload bytea NOT NULL,
  ce_source text NOT NULL,
  ce_specversion text NOT NULL DEFAULT '1.0',
  content_type text NOT NULL DEFAULT 'application/avro',
  traceparent text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (aggregateid, aggregateversion, created_at)
) PARTITION BY RANGE (created_at);
--> statement-breakpoint
-- A row is never refused because nobody made its day's partition.
CREATE TABLE outbox_default PARTITION OF outbox DEFAULT;
--> statement-breakpoint
-- Makes the partitions of today and the given number of days ahead, in UTC; returns how many are new. A day whose rows
-- are already in the default partition is left there. SECURITY DEFINER: the application may insert, and nothing else.
CREATE FUNCTION outbox_make_partitions(days_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  day date;
  made integer := 0;
BEGIN
  -- Two instances that start together must not both find the same partition missing.
  PERFORM pg_advisory_xact_lock(hashtext('walpost.outbox_make_partitions'));
  FOR offset_days IN 0..days_ahead LOOP
    day := (now() AT TIME ZONE 'UTC')::date + offset_days;
    CONTINUE WHEN to_regclass('public.outbox_' || to_char(day, 'YYYYMMDD')) IS NOT NULL;
    CONTINUE WHEN EXISTS (SELECT FROM public.outbox_default
      WHERE created_at >= day::timestamp AT TIME ZONE 'UTC' AND created_at < (day + 1)::timestamp AT TIME ZONE 'UTC');
    EXECUTE format('CREATE TABLE public.%I PARTITION OF public.outbox FOR VALUES FROM (%L) TO (%L)',
      'outbox_' || to_char(day, 'YYYYMMDD'), day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;
--> statement-breakpoint
SELECT outbox_make_partitions(14);
--> statement-breakpoint
CREATE TABLE schema_ids (
  subject text NOT NULL,
  fingerprint text NOT NULL,
  id integer NOT NULL,
  PRIMARY KEY (subject, fingerprint)
);
--> statement-breakpoint
-- Role names follow from the database's: <database>_app is the service. The publication carries the connector's name.
DO $$
DECLARE
  app text := current_database() || '_app';
BEGIN
  EXECUTE format('GRANT INSERT ON outbox TO %I', app);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON schema_ids TO %I', app);
  REVOKE ALL ON FUNCTION outbox_make_partitions(integer) FROM PUBLIC;
  EXECUTE format('GRANT EXECUTE ON FUNCTION outbox_make_partitions(integer) TO %I', app);
  GRANT SELECT ON outbox TO cdc;
END $$;
