-- Makes role and slot of the standby; safe to repeat.
SET default_transaction_read_only = off;
SET statement_timeout = 0;
SET password_encryption = 'scram-sha-256';
-- No log shows a password.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;
\getenv password REPLICATOR_PASSWORD
-- There is no standby yet that could confirm these.
SET synchronous_commit = local;
SELECT 'CREATE ROLE replicator LOGIN REPLICATION' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'replicator') \gexec
ALTER ROLE replicator PASSWORD :'password';
SELECT pg_create_physical_replication_slot('standby', true)
WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = 'standby');
