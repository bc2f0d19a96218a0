-- Which of the outbox the slot has confirmed. A slot knows a position in the log and a row knows a time; marks say which
-- position the log had reached at which time.
CREATE TABLE outbox_marks (
  at timestamptz PRIMARY KEY,
  lsn pg_lsn NOT NULL
);
--> statement-breakpoint
-- How far each slot had come when outbox_drop_partitions last looked; until is the mark that it had passed then.
CREATE TABLE outbox_positions (
  slot name PRIMARY KEY,
  confirmed pg_lsn NOT NULL,
  until timestamptz
);
--> statement-breakpoint
-- Finds the first row after a time. BRIN, because rows come in the order of their times, and inserts must stay cheap.
CREATE INDEX outbox_created_at ON outbox USING brin (created_at) WITH (autosummarize = on);
--> statement-breakpoint
-- The slots that this database's events depend on: one for each publication, of its name, whether it is there or not,
-- and every other logical slot.
CREATE VIEW outbox_slots AS
  SELECT name AS slot, confirmed_flush_lsn AS confirmed
  FROM (
    SELECT pubname AS name FROM pg_publication
    UNION
    SELECT slot_name FROM pg_replication_slots
    WHERE database = current_database() AND slot_type = 'logical' AND NOT temporary
  ) AS expected
  LEFT JOIN pg_replication_slots ON slot_name = name AND database = current_database();
--> statement-breakpoint
-- Notes a mark, unless another instance has just done so, and removes those that no slot needs any more.
CREATE FUNCTION outbox_mark() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  moment timestamptz;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('walpost.outbox_mark')) THEN RETURN; END IF;
  -- The time first: whatever committed before it stands in the log before the position that is read afterwards.
  moment := clock_timestamp();
  IF EXISTS (SELECT FROM outbox_marks WHERE at > moment - interval '4 seconds') THEN RETURN; END IF;
  INSERT INTO outbox_marks VALUES (moment, pg_current_wal_insert_lsn());
  DELETE FROM outbox_marks WHERE at < (SELECT max(at) FROM outbox_marks
    WHERE lsn <= (SELECT min(confirmed) FROM outbox_slots HAVING bool_and(confirmed IS NOT NULL)));
  -- With a slot that stands still for longer, or none, the first of these is as much as is told.
  DELETE FROM outbox_marks WHERE at < moment - interval '8 days'
    AND at <> (SELECT min(at) FROM outbox_marks);
END $$;
--> statement-breakpoint
-- Of each slot, when the oldest row was written that it has not confirmed; null when there is none. Rows of the last
-- few seconds may be among them though they are confirmed: that is as fine as marks tell.
CREATE FUNCTION outbox_pending() RETURNS TABLE (slot name, oldest timestamptz)
-- The planner cannot know that rows are in the order of their times, and would read the table from its start.
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
DECLARE
  known record;
  since timestamptz;
BEGIN
  FOR known IN SELECT * FROM outbox_slots LOOP
    since := CASE WHEN known.confirmed IS NULL THEN '-infinity' ELSE coalesce(
      (SELECT max(at) FROM outbox_marks WHERE lsn <= known.confirmed), (SELECT min(at) FROM outbox_marks)) END;
    slot := known.slot;
    -- A transaction may begin before a mark and commit after it.
    SELECT created_at INTO oldest FROM outbox WHERE created_at >= since - interval '2 seconds' LIMIT 1;
    RETURN NEXT;
  END LOOP;
END $$;
--> statement-breakpoint
-- Drops the partitions of days that ended at least the given number of days ago and that every slot has confirmed;
-- returns how many. Of the default partition it deletes such rows: the publication tells of inserts only.
--
-- Confirmed is what a slot had passed when this last looked, and it must have moved on since: a slot that was made anew
-- begins at the end of the log while its connector still reads the table, and moves on only when it has read it all.
-- SECURITY DEFINER: the application may insert, and can have nothing dropped that is not confirmed.
CREATE FUNCTION outbox_drop_partitions(keep_days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
-- Inserts queue behind a waiting DROP: it gives up instead, and the next turn tries again.
SET lock_timeout = '500ms' AS $$
DECLARE
  safe timestamptz;
  part record;
  dropped integer := 0;
BEGIN
  IF keep_days < 1 THEN RAISE EXCEPTION 'outbox_drop_partitions: at least 1 day is kept, not %', keep_days; END IF;
  IF NOT pg_try_advisory_xact_lock(hashtext('walpost.outbox_drop_partitions')) THEN RETURN 0; END IF;
  -- An hour for transactions that began before a mark, and for clocks that differ.
  SELECT least(min(until) - interval '1 hour', now() - make_interval(days => keep_days)) INTO safe
  FROM outbox_slots LEFT JOIN outbox_positions USING (slot)
  HAVING bool_and(coalesce(outbox_slots.confirmed > outbox_positions.confirmed AND until IS NOT NULL, false));

  DELETE FROM outbox_positions;
  INSERT INTO outbox_positions
    SELECT slot, confirmed, (SELECT max(at) FROM outbox_marks WHERE lsn <= confirmed)
    FROM outbox_slots WHERE confirmed IS NOT NULL;
  IF safe IS NULL THEN RETURN 0; END IF;

  DELETE FROM outbox_default WHERE created_at < safe;
  FOR part IN
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'outbox'::regclass AND relname ~ '^outbox_\d{8}$'
      AND (to_date(right(relname, 8), 'YYYYMMDD') + 1)::timestamp AT TIME ZONE 'UTC' <= safe
    ORDER BY relname
  LOOP
    BEGIN
      EXECUTE format('DROP TABLE public.%I', part.relname);
      dropped := dropped + 1;
    EXCEPTION WHEN lock_not_available THEN
      EXIT;
    END;
  END LOOP;
  RETURN dropped;
END $$;
--> statement-breakpoint
-- For the same reason.
ALTER FUNCTION outbox_make_partitions(integer) SET lock_timeout = '500ms';
--> statement-breakpoint
DO $$
DECLARE
  app text := current_database() || '_app';
BEGIN
  REVOKE ALL ON FUNCTION outbox_mark(), outbox_pending(), outbox_drop_partitions(integer) FROM PUBLIC;
  EXECUTE format('GRANT EXECUTE ON FUNCTION outbox_mark(), outbox_pending(), outbox_drop_partitions(integer) TO %I', app);
  GRANT EXECUTE ON FUNCTION outbox_pending() TO observer;
END $$;
