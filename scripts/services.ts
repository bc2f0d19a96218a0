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
