-- What may be asked of an outbox, never a payload. Operators and metrics ask functions of the schema observer, and no
-- table: docs/decisions/0025 says why these are no views. Who may use the schema may call all of it.
CREATE SCHEMA IF NOT EXISTS observer;
--> statement-breakpoint
DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA observer TO observer, %I', current_database() || '_app'); END $$;
--> statement-breakpoint
CREATE FUNCTION observer.events(of_key text)
RETURNS TABLE (id uuid, type text, version integer, traceparent text, written_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT id, type, aggregateversion, traceparent, created_at FROM outbox
  WHERE aggregateid = of_key ORDER BY aggregateversion
$$;
--> statement-breakpoint
CREATE FUNCTION observer.events_since(since timestamptz)
RETURNS TABLE (id uuid, type text, key text, version integer, written_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT id, type, aggregateid, aggregateversion, created_at FROM outbox WHERE created_at >= since
$$;
--> statement-breakpoint
-- The partitions, without counting: rows are the server's estimate, exact within a second or so after a commit; bytes
-- are those on the disk, indexes and all. The default partition has no day.
CREATE FUNCTION observer.outbox_partitions()
RETURNS TABLE (day date, rows bigint, bytes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT CASE WHEN relname <> 'outbox_default' THEN to_date(right(relname, 8), 'YYYYMMDD') END,
    greatest(pg_stat_get_live_tuples(oid), reltuples), pg_total_relation_size(oid)
  FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'outbox'::regclass ORDER BY relname
$$;
--> statement-breakpoint
-- Of each slot, when the oldest row was written that it has not confirmed, see outbox_pending.
CREATE FUNCTION observer.unconfirmed()
RETURNS TABLE (slot name, oldest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT slot, oldest FROM outbox_pending()
$$;
--> statement-breakpoint
REVOKE ALL ON outbox FROM observer;
--> statement-breakpoint
REVOKE ALL ON FUNCTION outbox_pending() FROM observer;
