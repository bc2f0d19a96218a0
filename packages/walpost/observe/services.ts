import type { ObservedService } from './observed-service.ts';

/** The consuming services, as an operator sees them: names agree with docs/ and the services' own settings. */
export const services = {
  order: { database: 'orders', passwordVariable: 'ORDERS_PASSWORD', group: 'order-service' },
  payment: { database: 'payments', passwordVariable: 'PAYMENTS_PASSWORD', group: 'payment-service' },
  inventory: { database: 'inventory', passwordVariable: 'INVENTORY_PASSWORD', group: 'inventory-service' },
  notification: {
    database: 'notifications',
    passwordVariable: 'NOTIFICATIONS_PASSWORD',
    group: 'notification-service',
  },
} as const;

export type ServiceName = keyof typeof services;

export const serviceNames = Object.keys(services) as ServiceName[];

const outboxOf = (name: string) => ({
  topic: `${name}-events`,
  connector: `${name}-outbox`,
  slot: `${name}_outbox`,
});

/** What the role `observer` looks at in each service's database. */
export const observedServices: readonly ObservedService[] = [
  {
    name: 'order-service',
    shortName: 'order',
    database: 'orders',
    consumes: ['payment-events', 'inventory-events'],
    publishes: outboxOf('order'),
    effect: 'orders',
    backlog: 'orders pending',
    intake: true,
  },
  {
    name: 'payment-service',
    shortName: 'payment',
    database: 'payments',
    consumes: ['order-events'],
    publishes: outboxOf('payment'),
    effect: 'payments',
    backlog: 'payments under way',
  },
  {
    name: 'inventory-service',
    shortName: 'inventory',
    database: 'inventory',
    consumes: ['order-events'],
    publishes: outboxOf('inventory'),
    effect: 'reservations',
  },
  {
    name: 'notification-service',
    shortName: 'notification',
    database: 'notifications',
    consumes: ['order-events'],
    effect: 'e-mails',
    backlog: 'e-mails waiting',
    retry: 'npx walpost dead-letters retry-emails',
  },
];
