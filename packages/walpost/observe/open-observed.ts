import type { System } from '@walpost/kit/config';
import { openDatabase } from '@walpost/kit/postgres/database';
import type { Observed } from './observed-service.ts';
import { observedServices } from './services.ts';

/** How the role `observer` gets to the databases. */
export interface ObserverAccess {
  readonly system: System;
  readonly host: string;
  readonly port: number;
  readonly ssl: boolean;
  readonly password: string;
  readonly applicationName: string;
}

/** Opens every service's database as `observer`, lazily: one that is away fails what is asked of it, and no more. */
export function openObserved({ system, ...access }: ObserverAccess): {
  observed: Observed[];
  close(): Promise<void>;
} {
  const opened = observedServices(system).map((service) => ({
    service,
    ...openDatabase({
      ...access,
      database: service.database,
      user: 'observer',
      readOnly: true,
      connections: 2,
    }),
  }));
  return {
    observed: opened,
    close: async () => {
      await Promise.all(opened.map(({ close }) => close()));
    },
  };
}
