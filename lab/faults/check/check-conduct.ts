import { services } from '../plan.ts';
import type { Check, Finding } from './finding.ts';

/** What must never be accepted is refused where it is written, and for the reason that it is refused for. */
export const refused: Check = {
  name: 'what the relay cannot send is refused',
  find: ({ attempts }) =>
    attempts
      .filter(({ expected, answered }) => answered !== expected)
      .map(({ what, expected, answered }) => ({
        text: `${what} was answered ${answered}, and should be refused with ${expected}`,
      })),
};

/** A service that answers later is frozen, on a slow machine too, ms. */
const LIVE_WITHIN = 5_000;
/** All services together, bytes: a few thousand orders that cannot be taken are no reason for more. */
const LOG_LIMIT = 2 ** 20;

/** A database that does not answer freezes no service, fills no log, and loses no order that was answered. */
export const composed: Check = {
  name: 'a stalled database freezes no service and fills no log',
  find: ({ stalls, orders }) => {
    const byId = new Map(orders.map((order) => [order.id, order]));
    return stalls.flatMap(({ asks, slowest, logged }): Finding[] => {
      const frozen = services.flatMap((service) =>
        slowest[service] <= LIVE_WITHIN
          ? []
          : [{ text: `${service}: /health/live took ${Math.round(slowest[service])} ms` }],
      );
      const bytes = services.reduce((sum, service) => sum + logged[service], 0);
      const parts = services.map((service) => `${service} ${logged[service]}`).join(', ');
      const full = bytes <= LOG_LIMIT ? [] : [{ text: `the logs grew by ${bytes} bytes (${parts})` }];
      const undone = asks
        .flatMap(({ ids }) => ids)
        .flatMap((order): Finding[] => {
          const { status = 'not there', reason = '' } = byId.get(order) ?? {};
          // Whether it was overdue is looked after elsewhere.
          const given = status === 'CANCELLED' && /in time$/.test(reason ?? '');
          return status === 'CONFIRMED' || given ? [] : [{ order, text: `answered 201 and is ${status}` }];
        });
      return [...frozen, ...full, ...undone];
    });
  },
};
