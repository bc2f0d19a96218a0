-- Makes role and database of the registry; safe to repeat. The role's password may have been changed since.
\getenv password REGISTRY_PASSWORD
SELECT 'CREATE ROLE registry LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'registry') \gexec
ALTER ROLE registry PASSWORD :'password';
SELECT 'CREATE DATABASE registry OWNER registry TEMPLATE template0'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'registry') \gexec
