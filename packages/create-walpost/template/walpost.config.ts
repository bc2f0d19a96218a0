import { defineConfig } from '@walpost/kit/config';
import { contract } from './schemas/contract.generated.ts';

export default defineConfig({
  name: '__name__',
  contract,
  services: {
    '__publisher__': {
      port: 3000,
      publishes: '__publisher__-events',
      sample: {
        path: '/__publisher__',
        body: (n) => ({ customerId: `customer-${n % 50}`, quantity: 1 + (n % 3) }),
      },
    },
    '__consumer__': { port: 3001, consumes: ['__publisher__-events'] },
  },
});
