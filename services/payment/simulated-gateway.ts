import { setTimeout as delay } from 'node:timers/promises';
import type { PaymentGateway } from './gateway.ts';

export interface SimulatedGatewayOptions {
  /** Amounts above it are declined, in minor units whatever the currency. */
  limit: number;
  declinedCustomers: readonly string[];
  /** How long each call takes, ms. */
  latency: number;
}

/**
 * A gateway that moves no money. Its answer follows from the request alone, so it is the same for the same key from
 * every process, and known beforehand by a test.
 */
export function createSimulatedGateway(options: SimulatedGatewayOptions): PaymentGateway {
  const { limit, declinedCustomers, latency } = options;
  const travel = async (signal: AbortSignal) => {
    if (latency > 0) await delay(latency, undefined, { signal });
  };
  return {
    async authorize({ customerId, amount }, signal) {
      await travel(signal);
      if (declinedCustomers.includes(customerId)) {
        return { authorized: false, reason: 'the customer is declined' };
      }
      if (amount > limit) return { authorized: false, reason: `the amount is above the limit of ${limit}` };
      return { authorized: true };
    },
    async refund(_request, signal) {
      await travel(signal);
    },
  };
}
