-- Makes role and slot of the standby; safe to repeat.
\getenv password REPLICATOR_PASSWORD
-- There is no standby yet that could confirm these.
SET synchronous_commit = local;
SELECT 'CREATE ROLE replicator LOGIN REPLICATION' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'replicator') \gexec
ALTER ROLE replicator PASSWORD :'password';
SELECT pg_create_physical_replication_slot('standby', true)
WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = 'standby');
