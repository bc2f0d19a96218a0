import { runService } from '@walpost/kit/service/run-service';
import system from '../../walpost.config.ts';
import { buildApp } from './app.ts';
import { onOrderEvent } from './on-order-event.ts';

await runService(system, 'inventory', ({ openForRequests, clock, encode, logger }) => {
  const reads = openForRequests('reads', 2);
  return {
    on: onOrderEvent(encode, clock.now),
    buildApp: (readiness) => buildApp({ db: reads, logger, readiness }),
  };
});
