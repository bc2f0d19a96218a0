/** What taking orders in and encoding needs; few processes, so that little else runs on the machine. */
export const INTAKE_PARTS = ['postgres', 'registry', 'migrate-order', 'schemas'];

/** The whole infrastructure; connectors are registered by the measurements that need them. */
export const STREAM_PARTS = [
  'postgres',
  'kafka',
  'registry',
  'connect',
  'topics',
  'schemas',
  'migrate-order',
  'migrate-payment',
  'migrate-inventory',
  'migrate-notification',
];
