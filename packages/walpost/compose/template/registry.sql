-- Makes role and database of the registry; safe to repeat. The role's password may have been changed since.
SET default_transaction_read_only = off;
SET statement_timeout = 0;
SET password_encryption = 'scram-sha-256';
-- No log shows a password.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;
\getenv password REGISTRY_PASSWORD
SELECT 'CREATE ROLE registry LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'registry') \gexec
ALTER ROLE registry PASSWORD :'password';
SELECT 'CREATE DATABASE registry OWNER registry TEMPLATE template0'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'registry') \gexec
