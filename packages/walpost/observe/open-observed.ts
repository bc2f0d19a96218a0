import type { System } from '@walpost/kit/config';
import { openDatabase } from '@walpost/kit/postgres/database';
import type { PostgresServer } from '@walpost/kit/postgres/server';
import type { Observed } from './observed-service.ts';
import { observedServices } from './services.ts';

/** The Postgres server of each service, by its name. */
export type Servers = Readonly<Record<string, PostgresServer>>;

/** How the role `observer` gets to the databases. */
export interface ObserverAccess {
  readonly system: System;
  readonly servers: Servers;
  readonly password: string;
  readonly applicationName: string;
}

/** Opens every service's database as `observer`, lazily: one that is away fails what is asked of it, and no more. */
export function openObserved({ system, servers, ...access }: ObserverAccess): {
  observed: Observed[];
  close(): Promise<void>;
} {
  const opened = observedServices(system).map((service) => {
    const server = serverIn(servers, service.shortName);
    return {
      service,
      server: shownServer(server),
      ...openDatabase({
        ...access,
        ...server,
        database: service.database,
        user: 'observer',
        readOnly: true,
        connections: 2,
      }),
    };
  });
  return {
    observed: opened,
    close: async () => {
      await Promise.all(opened.map(({ close }) => close()));
    },
  };
}

/** The server of a service. */
export function serverIn(servers: Servers, service: string): PostgresServer {
  const server = servers[service];
  if (!server) throw new Error(`no server of ${service} is known`);
  return server;
}

/** A server in a message: host and port. */
export function shownServer({ host, port }: PostgresServer): string {
  return `${host}:${port}`;
}
