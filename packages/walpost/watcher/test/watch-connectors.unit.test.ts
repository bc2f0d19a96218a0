import { getEventListeners } from 'node:events';
import { expect, test } from '@jest/globals';
import type { ConnectClient, ConnectorStatus } from '../../connect/connect-client.ts';
import { diagnoseConnector, watchConnectors } from '../watch-connectors.ts';

const running: ConnectorStatus = {
  connector: { state: 'RUNNING', worker_id: 'w' },
  tasks: [{ id: 0, state: 'RUNNING', worker_id: 'w' }],
};
const failed: ConnectorStatus = {
  connector: { state: 'RUNNING', worker_id: 'w' },
  tasks: [{ id: 0, state: 'FAILED', worker_id: 'w', trace: 'java.lang.Error: gone' }],
};

test('a failed task is restarted at once, then after waits that double', () => {
  const watched = { restarts: 0, notBefore: 0 };
  const restartsAt: number[] = [];
  for (let now = 0; now <= 20_000; now += 500) {
    if (diagnoseConnector(failed, watched, now) !== undefined) restartsAt.push(now);
  }
  expect(restartsAt).toEqual([0, 1_000, 3_000, 7_000, 15_000]);
});

test('a connector that ran for two minutes is well again', () => {
  const watched = { restarts: 5, notBefore: 1_000 };
  expect(diagnoseConnector(running, watched, 100_000)).toBeUndefined();
  expect(watched.restarts).toBe(5);
  diagnoseConnector(running, watched, 121_001);
  expect(watched.restarts).toBe(0);
});

test('it restarts what failed, says each thing once, and outlives Connect’s absence', async () => {
  const stop = new AbortController();
  const answers: (ConnectorStatus | undefined | Error)[] = [
    running,
    running,
    failed,
    new Error('away'),
    undefined,
    running,
  ];
  const restarted: string[] = [];
  const connect = {
    async status() {
      const answer = answers.shift();
      if (answers.length === 0) stop.abort();
      if (answer instanceof Error) throw answer;
      return answer;
    },
    async restart(name: string, { onlyFailed }: { onlyFailed: boolean }) {
      restarted.push(`${name} ${onlyFailed}`);
    },
  } as unknown as ConnectClient;
  const said: string[] = [];
  const say = (line: string) => said.push(line);
  await watchConnectors(connect, ['a'], { everySeconds: 0.001, signal: stop.signal, say });
  expect(restarted).toEqual(['a true']);
  expect(said).toEqual([
    'a runs',
    'a failed, restart 1: Error: gone',
    'away',
    'a is not registered; run `walpost connectors apply a`',
    'a runs',
  ]);
});

test('it may watch for ever: a look leaves nothing behind', async () => {
  const stop = new AbortController();
  const listeners: number[] = [];
  const connect = {
    async status() {
      listeners.push(getEventListeners(stop.signal, 'abort').length);
      if (listeners.length === 100) stop.abort();
      return running;
    },
  } as unknown as ConnectClient;
  await watchConnectors(connect, ['a'], { everySeconds: 0.001, signal: stop.signal, say: () => undefined });
  expect(listeners).toEqual(Array(100).fill(0));
});
