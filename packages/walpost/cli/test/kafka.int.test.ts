import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { startWalpost, walpost } from '../../testing/run-cli.ts';
import { eventually } from '../../testing/support.ts';

test.each(['topics', 'kafka-topics.sh', 'bin/kafka-topics.sh'])(
  'Kafka’s own tool by its name in the documentation: %s',
  async (name) => {
    const topic = `kafka-tools-${randomUUID()}`;
    const created = await walpost(['kafka', name, '--create', '--topic', topic]);
    expect(created).toMatchObject({ code: 0, stdout: `Created topic ${topic}.\n` });
    const { stdout } = await walpost(['kafka', name, '--list']);
    expect(stdout.split('\n')).toContain(topic);
  },
);

test('options are the tool’s, --help too, and its exit code is passed on', async () => {
  const help = await walpost(['kafka', 'get-offsets', '--help']);
  expect(help.stdout + help.stderr).toMatch(/--topic-partitions/);
  const { code, stderr } = await walpost(['kafka', 'topics', '--describe', '--topic', 'not-there']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^walpost: the tool ended with exit code 1$/m);
});

test.each([[[]], [['topic']], [['constructor']]])(
  'walpost kafka %j names the tools that there are',
  async (args) => {
    const { code, stderr } = await walpost(['kafka', ...args]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^walpost kafka: choose one of configs, console-consumer, /);
  },
);

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('a tool ends with its caller, by %s', async (signal) => {
  const group = `kafka-tools-${randomUUID()}`;
  const running = () => {
    const all = execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8', maxBuffer: 2 ** 24 });
    return all.split('\n').filter((line) => line.includes(group) && line.includes('ConsoleConsumer'));
  };
  const tool = ['kafka', 'console-consumer', '--topic', '__transaction_state', '--group', group];
  const { child, ended } = startWalpost(tool);
  await eventually(async () => running().length > 0 || undefined);
  child.kill(signal);
  await ended;
  expect(running()).toEqual([]);
});
