import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { System } from '@walpost/kit/config';
import { createDecoder } from '@walpost/kit/contract/codec';
import type { EventData, EventName, EventTopic } from '@walpost/kit/contract/contract';
import { createRegistry } from '@walpost/kit/contract/registry';
import { openDatabase } from '@walpost/kit/postgres/database';
import { sql } from 'drizzle-orm';
import { programOf } from '../program-of.ts';
import { findProject } from '../project.ts';
import { eventually } from './eventually.ts';
import type { Answer, Question } from './hold-stack.ts';
import { type Environment, readTopic, setting } from './read-topic.ts';

export { eventually };

/** An event as it is on its topic. */
export type PublishedEvent = {
  [N in EventName]: {
    type: N;
    key: string;
    version: number;
    data: EventData[N];
    headers: Record<string, string>;
  };
}[EventName];

/** A running system, for tests. */
export interface TestSystem {
  /** Settings of the stack, as in .env. */
  readonly env: Environment;
  /** Where a service answers. */
  url(service: string): string;
  /** The events of a key that are on a topic now, in their order. */
  published(topic: EventTopic, key: string): Promise<PublishedEvent[]>;
  /**
   * Waits until everything that was written has been published, and handled by every consumer.
   *
   * @throws Error that says what is still under way
   */
  settled(withinSeconds?: number): Promise<void>;
  /** Kills Kafka Connect (SIGKILL), and waits until it is there again. */
  killRelay(): Promise<void>;
  /** Runs the command line. @returns what it printed; throws what it said when it failed */
  walpost(...args: string[]): Promise<string>;
  /** Lets go of the stack, which ends when no test file of the run has asked for it for a while. */
  close(): Promise<void>;
}

/** From when on a start says how far it is, ms. */
const SLOW_AFTER = 10_000;

/**
 * A real stack of a project, without Docker: Postgres, Kafka, Debezium, the registry and every service, on ports and in a
 * folder of their own. All test files of a run share one, in Jest and in Vitest; it is gone soon after the last.
 *
 * @param system what the project's `walpost.config.ts` exports; the project is the one that tests run in
 * @throws Error with what could not be started
 */
export async function testSystem(system: System): Promise<TestSystem> {
  const holder = await attach(findProject(process.cwd()));
  const env = (await holder.ask('env')) as Environment;
  const registry = createRegistry({ url: setting(env, 'SCHEMA_REGISTRY_URL'), clientId: 'test' });
  const decoder = createDecoder({ contract: system.contract, registry });
  const databases = system.services.map(({ name, database, publishes }) => ({
    name,
    publishes,
    ...openDatabase({
      host: setting(env, 'POSTGRES_HOST'),
      port: Number(setting(env, 'POSTGRES_PORT')),
      database,
      user: 'observer',
      password: setting(env, 'OBSERVER_PASSWORD'),
      applicationName: 'test',
      connections: 1,
      readOnly: true,
    }),
  }));

  /** What is under way, and how much was ever done: it is settled when that stays the same. */
  async function look(): Promise<{ open: string[]; done: string }> {
    const parts = await Promise.all(
      databases.map(async ({ name, publishes, db }) => {
        const [counters] = await db.execute<{ outbox: string; inbox: string }>(
          sql`select outbox, inbox from observer.counters()`,
        );
        const [backlog] = await db.execute<{ waiting: number }>(sql`select waiting from observer.backlog()`);
        const unconfirmed = publishes
          ? await db.execute(sql`select from observer.unconfirmed() where oldest is not null`)
          : [];
        return {
          open: [
            ...(unconfirmed.length > 0 ? [`events of ${name} are not published`] : []),
            ...(backlog && backlog.waiting > 0 ? [`${backlog.waiting} wait in ${name}`] : []),
          ],
          done: `${name} ${counters?.outbox} ${counters?.inbox}`,
        };
      }),
    );
    const groups = JSON.parse(String(await holder.ask('walpost', 'groups', 'list', '--json'))) as {
      group: string;
      lag: number | null;
    }[];
    const ours = system.services.filter(({ consumes }) => consumes.length > 0).map(({ group }) => group);
    const behind = groups.filter(({ group, lag }) => ours.includes(group) && lag !== 0);
    return {
      open: [
        ...parts.flatMap(({ open }) => open),
        ...behind.map(({ group, lag }) => `${group} is ${lag} behind`),
      ],
      done: parts.map(({ done }) => done).join(),
    };
  }

  return {
    env,
    url: (name) => `http://localhost:${setting(env, system.service(name).portVariable)}`,
    async published(topic, key) {
      const records = (await readTopic(env, topic)).filter((record) => record.key?.toString() === key);
      return Promise.all(
        records.map(async ({ value, headers = {} }) => {
          const texts = Object.entries(headers).map(([name, text]) => [name, String(text)]);
          const named = Object.fromEntries(texts) as Record<string, string>;
          const event = await decoder.decode(value ?? Buffer.alloc(0));
          const published = { ...event, key, version: Number(named['aggregateversion']), headers: named };
          return published as PublishedEvent;
        }),
      );
    },
    async settled(withinSeconds = 60) {
      let last = await look();
      await eventually(async () => {
        const now = await look();
        const isSettled = now.open.length === 0 && last.open.length === 0 && now.done === last.done;
        last = now;
        if (!isSettled) throw new Error(now.open.join('; ') || 'events are still being handled');
        return true;
      }, withinSeconds);
    },
    async killRelay() {
      await holder.ask('killRelay');
    },
    walpost: async (...args) => String(await holder.ask('walpost', ...args)),
    async close() {
      await Promise.all(databases.map(({ close }) => close()));
      holder.close();
    },
  };
}

interface Holder {
  ask(what: Question['ask'], ...args: string[]): Promise<unknown>;
  close(): void;
}

/** Finds the process that has the run's stack, or starts one. */
async function attach(folder: string): Promise<Holder> {
  const id = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const path = join(tmpdir(), `walpost-${process.getuid?.()}-${id}.sock`);
  const socket = await open(path).catch(async () => {
    const { NODE_OPTIONS: _, ...env } = process.env;
    // The runner's own options are not for it.
    spawn(process.execPath, [programOf('testing/hold-stack'), folder, path], {
      cwd: folder,
      env,
      detached: true,
      stdio: 'ignore',
    }).unref();
    return eventually(() => open(path), 30);
  });
  const started = performance.now();
  let isStarting = true;
  const waiting = new Map<number, (answer: Exclude<Answer, { progress: string }>) => void>();
  let count = 0;
  createInterface({ input: socket }).on('line', (line) => {
    const answer = JSON.parse(line) as Answer;
    if (!('progress' in answer)) waiting.get(answer.id)?.(answer);
    else if (isStarting && performance.now() - started > SLOW_AFTER)
      process.stderr.write(`walpost: ${answer.progress}\n`);
  });
  socket.once('close', () => {
    for (const [id, answer] of waiting) answer({ id, error: 'the stack has ended' });
  });
  return {
    async ask(ask, ...args) {
      const id = count++;
      const answered = new Promise<Exclude<Answer, { progress: string }>>((resolve) =>
        waiting.set(id, resolve),
      );
      socket.write(`${JSON.stringify({ id, ask, args } satisfies Question)}\n`);
      const answer = await answered;
      waiting.delete(id);
      isStarting = false;
      if ('error' in answer) throw new Error(answer.error);
      return answer.value;
    },
    close: () => socket.end(),
  };
}

async function open(path: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, 'connect');
  return socket;
}
