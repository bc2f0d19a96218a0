-- The role letters is named dlq_operator. Where it was renamed it has kept its grants; a fresh database grants them here.
GRANT SELECT, UPDATE (state, replay_requested_at, settled_at, discard_reason) ON dead_letters TO dlq_operator;
--> statement-breakpoint
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'letters') THEN
    EXECUTE 'REVOKE ALL ON dead_letters FROM letters';
    EXECUTE 'SET LOCAL ROLE NONE';
    BEGIN
      EXECUTE 'DROP ROLE letters';
    EXCEPTION WHEN dependent_objects_still_exist THEN
      -- Another database has been migrated by the release before this one since.
      NULL;
    END;
    EXECUTE format('SET LOCAL ROLE %I', current_database() || '_owner');
  END IF;
END $$;
