import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { eventually } from 'walpost/testing/support';

const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const undo of cleanup.splice(0)) undo();
});

/** A port that nobody listens on, or one whose listener takes connections and never says a word. */
async function portOf(how: 'refuses' | 'is silent'): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (how === 'refuses') await new Promise((resolve) => server.close(resolve));
  else {
    cleanup.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
  }
  return typeof address === 'object' && address ? address.port : 0;
}

/** The end of a service that is stopped as soon as it listens. A release that waits too long makes it 1. */
async function endOf(service: ChildProcess, port: number): Promise<number | null> {
  await eventually(async () => {
    if (service.exitCode !== null) throw new Error(`it ended by itself: ${service.exitCode}`);
    return (await fetch(`http://127.0.0.1:${port}/health/live`)).ok || undefined;
  });
  const ended = once(service, 'exit');
  service.kill('SIGTERM');
  return (await ended)[0];
}

test.each(
  (['refuses', 'is silent'] as const).flatMap((how) =>
    (
      [
        ['order', 'ORDERS_PASSWORD'],
        ['notification', 'NOTIFICATIONS_PASSWORD'],
      ] as const
    ).map(([service, password]) => [how, service, password] as const),
  ),
)('with a Kafka, registry and Postgres that %s, %s is stopped in order', async (how, service, password) => {
  const away = await portOf(how);
  const port = await portOf('refuses');
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../../../dist', service, 'main.js')], {
    stdio: 'ignore',
    env: {
      LOG_LEVEL: 'fatal',
      HOST: '127.0.0.1',
      [`${service.toUpperCase()}_PORT`]: String(port),
      [password]: 'a password of a server that is away',
      POSTGRES_HOST: '127.0.0.1',
      POSTGRES_PORT: String(away),
      KAFKA_BROKERS: `127.0.0.1:${away}`,
      SCHEMA_REGISTRY_URL: `http://127.0.0.1:${away}/apis/ccompat/v7`,
    },
  });
  cleanup.push(() => child.kill('SIGKILL'));
  expect(await endOf(child, port)).toBe(0);
});
