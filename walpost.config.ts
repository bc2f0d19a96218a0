import { defineConfig } from '@walpost/kit/config';
import { contract } from './schemas/contract.generated.ts';

const CUSTOMERS = ['ada', 'grace', 'barbara', 'edsger', 'leslie'];
const SKUS = ['BOOK-1', 'BOOK-2', 'MUG-1', 'PEN-1'];

/** The shop. What it does not say follows from the services' names. */
export default defineConfig({
  name: 'walpost',
  contract,
  mail: true,
  scenario: 'npm run scenario',
  services: {
    order: {
      port: 3000,
      publishes: 'order-events',
      consumes: ['payment-events', 'inventory-events'],
      database: 'orders',
      group: 'order-service',
      main: 'dist/order/main.js',
      observe: { effect: 'orders', backlog: 'orders pending', latest: true },
      sample: {
        path: '/orders',
        // One in twenty cannot be paid, and another one is not in stock: cancelled orders belong to the picture.
        body: (n) => ({
          customerId: n % 20 === 7 ? 'mallory' : CUSTOMERS[n % CUSTOMERS.length],
          currency: 'EUR',
          items: [
            {
              sku: n % 20 === 13 ? 'SOLD-OUT' : SKUS[n % SKUS.length],
              quantity: 1 + ((n + 1) % 3),
              unitPrice: 1250,
            },
          ],
        }),
      },
    },
    payment: {
      port: 3001,
      publishes: 'payment-events',
      consumes: ['order-events'],
      database: 'payments',
      group: 'payment-service',
      main: 'dist/payment/main.js',
      observe: { backlog: 'payments under way' },
    },
    inventory: {
      port: 3002,
      publishes: 'inventory-events',
      consumes: ['order-events'],
      group: 'inventory-service',
      main: 'dist/inventory/main.js',
      observe: { effect: 'reservations' },
    },
    notification: {
      port: 3003,
      consumes: ['order-events'],
      database: 'notifications',
      group: 'notification-service',
      main: 'dist/notification/main.js',
      observe: {
        effect: 'emails',
        backlog: 'emails waiting',
        retry: 'npx walpost retry notification',
      },
    },
  },
});
