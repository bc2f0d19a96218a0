-- 0001_observer grants to the role letters, which is named dlq_operator now. A fresh database gets that role for the
-- length of this transaction: 0004_dlq_operator drops it again. A database that has run 0001 skips this file, because the
-- journal places it before.
DO $$
BEGIN
  -- The owner of the tables may not make roles; the superuser, who is logged in, may.
  EXECUTE 'SET LOCAL ROLE NONE';
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'letters') THEN
    EXECUTE 'CREATE ROLE letters NOLOGIN';
  END IF;
  EXECUTE format('SET LOCAL ROLE %I', current_database() || '_owner');
END $$;
