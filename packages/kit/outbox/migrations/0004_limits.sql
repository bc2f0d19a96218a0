-- What an outbox accepts, the relay can send. A record is the payload, its key and its headers, and both the topic
-- (max.message.bytes) and the connector's producer (max.request.size) take 1 MiB: 1,000,000 bytes of payload leave 48,576
-- for the rest, which is bounded here too. A key of more than 200 bytes is one that no consumer's index takes. Instants
-- have bounds because the relay counts in microseconds, which infinity and the end of Postgres's calendar do not fit.
-- NOT VALID: what is there has been sent; only what is written from now on is checked.
ALTER TABLE outbox
  ADD CONSTRAINT outbox_payload_size CHECK (octet_length(payload) <= 1000000) NOT VALID,
  ADD CONSTRAINT outbox_key_size CHECK (octet_length(aggregateid) BETWEEN 1 AND 200) NOT VALID,
  ADD CONSTRAINT outbox_header_size CHECK (octet_length(aggregatetype) BETWEEN 1 AND 200
    AND octet_length(type) BETWEEN 1 AND 200 AND octet_length(ce_source) BETWEEN 1 AND 200
    AND octet_length(ce_specversion) BETWEEN 1 AND 20 AND octet_length(content_type) BETWEEN 1 AND 200
    AND octet_length(traceparent) BETWEEN 1 AND 200) NOT VALID,
  ADD CONSTRAINT outbox_created_at CHECK (created_at >= '2000-01-01 00:00:00+00' AND created_at < '2200-01-01 00:00:00+00')
    NOT VALID;
--> statement-breakpoint
-- The days, in UTC, on which somebody looked after this outbox. Retention counts these, not the clock's: one that jumps
-- ahead by two weeks adds one day and makes nothing two weeks older. Days from before this table count as seen.
CREATE TABLE outbox_days (day date PRIMARY KEY);
--> statement-breakpoint
INSERT INTO outbox_days (day)
  SELECT (now() AT TIME ZONE 'UTC')::date - back FROM generate_series(0, 1000) AS back;
--> statement-breakpoint
-- Up to when the rows are confirmed by a slot at this position: no later than the last mark that it has passed, and no
-- later than any that it has not passed, which is earlier when a clock was set back. Null when it has passed none.
CREATE FUNCTION outbox_confirmed_until(confirmed pg_lsn) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT least(max(at), (SELECT min(at) FROM outbox_marks WHERE lsn > confirmed))
  FROM outbox_marks WHERE lsn <= confirmed HAVING count(*) > 0
$$;
--> statement-breakpoint
-- As before, but for a clock that is set back: marks that seem to come from the future neither stop new ones nor outlive
-- what no slot has confirmed.
CREATE OR REPLACE FUNCTION outbox_mark() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  moment timestamptz;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('walpost.outbox_mark')) THEN RETURN; END IF;
  -- The time first: whatever committed before it stands in the log before the position that is read afterwards.
  moment := clock_timestamp();
  IF EXISTS (SELECT FROM outbox_marks WHERE at > moment - interval '4 seconds' AND at <= moment) THEN RETURN; END IF;
  INSERT INTO outbox_marks (at, lsn) VALUES (moment, pg_current_wal_insert_lsn());
  DELETE FROM outbox_marks WHERE lsn < (SELECT max(lsn) FROM outbox_marks
    WHERE lsn <= (SELECT min(confirmed) FROM outbox_slots HAVING bool_and(confirmed IS NOT NULL)));
  -- With a slot that stands still for longer, or none, the first of these is as much as is told: the first in the log, and
  -- the first by the clock, which is another one when it was set back.
  DELETE FROM outbox_marks WHERE at < moment - interval '8 days'
    AND lsn <> (SELECT min(lsn) FROM outbox_marks) AND at <> (SELECT min(at) FROM outbox_marks);
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION outbox_pending() RETURNS TABLE (slot name, oldest timestamptz)
-- The planner cannot know that rows are in the order of their times, and would read the table from its start.
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
  known record;
  since timestamptz;
BEGIN
  FOR known IN SELECT outbox_slots.slot, outbox_slots.confirmed FROM outbox_slots LOOP
    since := CASE WHEN known.confirmed IS NULL THEN '-infinity'
      ELSE coalesce(outbox_confirmed_until(known.confirmed), (SELECT min(at) FROM outbox_marks)) END;
    slot := known.slot;
    -- A transaction may begin before a mark and commit after it.
    SELECT created_at INTO oldest FROM outbox WHERE created_at >= since - interval '2 seconds' LIMIT 1;
    RETURN NEXT;
  END LOOP;
END $$;
--> statement-breakpoint
-- As before; which days are old enough is counted in days that were seen.
CREATE OR REPLACE FUNCTION outbox_drop_partitions(keep_days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
-- Inserts queue behind a waiting DROP: it gives up instead, and the next turn tries again.
SET lock_timeout = '500ms' AS $$
DECLARE
  today date := (now() AT TIME ZONE 'UTC')::date;
  -- The first of the days that are kept; null while fewer have been seen.
  kept date;
  safe timestamptz;
  part record;
  dropped integer := 0;
BEGIN
  IF keep_days < 1 THEN RAISE EXCEPTION 'outbox_drop_partitions: at least 1 day is kept, not %', keep_days; END IF;
  IF NOT pg_try_advisory_xact_lock(hashtext('walpost.outbox_drop_partitions')) THEN RETURN 0; END IF;
  INSERT INTO outbox_days (day) VALUES (today) ON CONFLICT DO NOTHING;
  SELECT day INTO kept FROM outbox_days WHERE day < today ORDER BY day DESC OFFSET keep_days - 1 LIMIT 1;
  -- An hour for transactions that began before a mark, and for clocks that differ. What was written since the last look by
  -- a clock that was set back is older than until, and not confirmed.
  SELECT least(min(least(until, (SELECT min(at) FROM outbox_marks WHERE lsn > outbox_positions.confirmed)))
    - interval '1 hour', kept::timestamp AT TIME ZONE 'UTC') INTO safe
  FROM outbox_slots LEFT JOIN outbox_positions USING (slot)
  HAVING bool_and(coalesce(outbox_slots.confirmed > outbox_positions.confirmed AND until IS NOT NULL, false));

  DELETE FROM outbox_positions;
  INSERT INTO outbox_positions (slot, confirmed, until)
    SELECT slot, confirmed, outbox_confirmed_until(confirmed) FROM outbox_slots WHERE confirmed IS NOT NULL;
  IF safe IS NULL OR kept IS NULL THEN RETURN 0; END IF;

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
-- As before, every column by its name: one that somebody adds to the table does not stop it.
CREATE OR REPLACE FUNCTION outbox_replay(ids uuid[], since timestamptz, until timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  replayed integer;
BEGIN
  WITH taken AS (
    DELETE FROM public.outbox WHERE id = ANY(ids) AND created_at >= since AND created_at <= until
    RETURNING id, aggregatetype, aggregateid, aggregateversion, type, payload, ce_source, ce_specversion, content_type,
      traceparent, created_at
  )
  INSERT INTO public.outbox (id, aggregatetype, aggregateid, aggregateversion, type, payload, ce_source, ce_specversion,
      content_type, traceparent, created_at)
    SELECT id, aggregatetype, aggregateid, aggregateversion, type, payload, ce_source, ce_specversion, content_type,
      traceparent, created_at
    FROM taken ORDER BY aggregateid, aggregateversion;
  GET DIAGNOSTICS replayed = ROW_COUNT;
  RETURN replayed;
END $$;
--> statement-breakpoint
-- The schema of temporary tables is searched first unless it is named: a function with its owner's rights names it last.
ALTER FUNCTION outbox_make_partitions(integer) SET search_path = pg_catalog, public, pg_temp;
--> statement-breakpoint
REVOKE ALL ON FUNCTION outbox_confirmed_until(pg_lsn) FROM PUBLIC;
