import { expect, test } from '@jest/globals';
import type { ConnectorView } from '../../observe/read-connectors.ts';
import { notRunning, serveWatcher } from '../serve-watcher.ts';

const part = (state: string, error: string | null = null) => ({ state, worker: 'w', error });
const connector = (state: string, ...tasks: ReturnType<typeof part>[]): ConnectorView => ({
  name: 'a',
  ...part(state),
  tasks: tasks.map((each, id) => ({ id, ...each })),
});

test.each<[string, ConnectorView[], Record<string, string>]>([
  ['everything runs', [connector('RUNNING', part('RUNNING'))], {}],
  ['it is not registered', [], { a: 'MISSING' }],
  ['it has no task yet', [connector('RUNNING')], { a: 'no task yet' }],
  ['it is paused', [connector('PAUSED', part('PAUSED'))], { a: 'connector PAUSED' }],
  [
    'its second task failed',
    [connector('RUNNING', part('RUNNING'), part('FAILED', 'ConnectException: gone'))],
    { a: 'task 1 FAILED: ConnectException: gone' },
  ],
  ['another one runs', [{ ...connector('RUNNING', part('RUNNING')), name: 'b' }], { a: 'MISSING' }],
])('of a connector that there should be: %s', (_what, views, problems) => {
  expect(notRunning(['a'], views)).toEqual(problems);
});

test('ready while everything runs, not when something does not or nobody answers', async () => {
  const answers = [
    async () => [connector('RUNNING', part('RUNNING'))],
    async () => [connector('RUNNING', part('UNASSIGNED'))],
    async () => Promise.reject(new Error('Kafka Connect does not answer')),
  ];
  const read = () => (answers.shift() ?? fail)();
  const server = await serveWatcher({ host: '127.0.0.1', port: 0 }, ['a'], read);
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return [response.status, await response.text()];
  };
  const unavailable = (problems: object) => [503, JSON.stringify({ status: 'unavailable', problems })];
  try {
    expect(await ask('/health/ready')).toEqual([200, '{"status":"ok"}']);
    expect(await ask('/health/ready')).toEqual(unavailable({ a: 'task 0 UNASSIGNED' }));
    expect(await ask('/health/ready')).toEqual(
      unavailable({ 'Kafka Connect': 'Kafka Connect does not answer' }),
    );
    expect(await ask('/')).toEqual([404, '']);
    expect((await ask('/metrics'))[0]).toBe(200);
  } finally {
    await server.close();
  }
});

const fail = async (): Promise<ConnectorView[]> => {
  throw new Error('asked once too often');
};
