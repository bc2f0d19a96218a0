/** What taking orders in and encoding needs; few processes, so that little else runs on the machine. */
export const INTAKE_PARTS = ['postgres', 'registry', 'migrate-order', 'schemas'];

/** The whole infrastructure; services and connectors are started by the measurements that need them. */
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

/** What carries a row from the log to the topic; a stack of its own, because a backlog would be in everybody's way. */
export const RELAY_PARTS = ['postgres', 'kafka', 'connect', 'topics', 'migrate-order'];

/** Everything that an order meets; its connectors are registered by the measurement. */
export const SYSTEM_PARTS = [...STREAM_PARTS, 'mail', 'order', 'payment', 'inventory', 'notification'];
