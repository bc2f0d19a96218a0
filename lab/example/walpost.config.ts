import { defineConfig } from '@walpost/kit/config';
import { contract } from '../../schemas/contract.generated.ts';

/** The consumer that CONTRIBUTING.md adds to the shop, by itself. */
export default defineConfig({
  name: 'example',
  contract,
  services: {
    totals: { port: 3004, consumes: ['order-events'], main: '../../dist/totals/main.js' },
  },
});
