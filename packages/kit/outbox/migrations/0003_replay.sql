-- Publishes events again: the rows are taken out and written again as they were, in the order of their keys' versions,
-- in one transaction. The publication has inserts only, so the relay sees them once more at the end of the log, and the
-- table is afterwards what it was. SECURITY DEFINER: the application may insert, and nothing else. The bounds are there
-- for the partitions: an id alone would be looked for in every one.
CREATE FUNCTION outbox_replay(ids uuid[], since timestamptz, until timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  replayed integer;
BEGIN
  WITH taken AS (
    DELETE FROM public.outbox WHERE id = ANY(ids) AND created_at >= since AND created_at <= until RETURNING *
  )
  INSERT INTO public.outbox SELECT * FROM taken ORDER BY aggregateid, aggregateversion;
  GET DIAGNOSTICS replayed = ROW_COUNT;
  RETURN replayed;
END $$;
--> statement-breakpoint
DO $$
BEGIN
  REVOKE ALL ON FUNCTION outbox_replay(uuid[], timestamptz, timestamptz) FROM PUBLIC;
  EXECUTE format('GRANT EXECUTE ON FUNCTION outbox_replay(uuid[], timestamptz, timestamptz) TO %I',
    current_database() || '_app');
END $$;
