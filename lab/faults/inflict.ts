import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { alterTables } from './alter-tables.ts';
import { placeInBulk } from './bulk.ts';
import type { Ask, Attempt, Planted, Stall } from './evidence.ts';
import { sendForeignMessage, writeOversizedRow } from './forbidden.ts';
import { plantBatch } from './foreign-batch.ts';
import { holdTransaction } from './foreign-transaction.ts';
import { awaitHeartbeat } from './heartbeat.ts';
import type { Lab } from './lab.ts';
import { lockRows } from './lock-rows.ts';
import { endMember, startMember } from './members.ts';
import { endPart, pidOf, processesOf, signalAll } from './parts.ts';
import {
  type Codec,
  type Fault,
  type Lockable,
  type PoisonKind,
  type Publisher,
  type Service,
  services,
  type TransactionEnd,
} from './plan.ts';
import { plantPoison } from './poison.ts';
import { dropSlot, letIn, lockOut, walpost } from './relay.ts';
import { stallPostgres } from './stall-postgres.ts';

/** Debian's libfaketime. */
const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

/** What faults put into the journal, and how they take turns at a part. */
export interface Damage {
  readonly planted: Planted[];
  readonly placed: Ask[];
  readonly attempts: Attempt[];
  readonly stalls: Stall[];
  /** An order that was placed a moment ago. */
  latestOrder(): string | undefined;
  /** Runs one after the other what concerns the same part, or one of several. */
  inTurn<T>(parts: string | readonly string[], step: () => Promise<T>): Promise<T>;
}

/** When the damage was done, and when nothing stood in the way any more; ms since the epoch. */
export interface Times {
  readonly from: number;
  readonly to: number;
}

/** A fault as it was. */
export interface Inflicted extends Times {
  readonly fault: Fault;
  /** Why it was left out. */
  readonly skipped?: string;
}

/** Makes a damage record. */
export function createDamage(latestOrder: () => string | undefined): Damage {
  const turns = new Map<string, Promise<unknown>>();
  return {
    planted: [],
    placed: [],
    attempts: [],
    stalls: [],
    latestOrder,
    inTurn(parts, step) {
      const names = [parts].flat();
      const turn = Promise.all(names.map((name) => turns.get(name))).then(step);
      const over = turn.catch(() => undefined);
      for (const name of names) turns.set(name, over);
      return turn;
    },
  };
}

/** Inflicts a fault and takes it away again. @throws when what was hit does not come back */
export async function inflict(lab: Lab, fault: Fault, damage: Damage): Promise<Inflicted> {
  const { kind, target, lasts } = fault;
  const { stack } = lab;
  const turn = (parts: string | readonly string[], step: () => Promise<Times>) =>
    damage.inTurn(parts, step).then((times) => ({ fault, ...times }));
  /** For what is over when it is taken away. */
  const during = async (begin: () => Promise<void> | void, end: () => Promise<void> | void) => {
    await begin();
    const from = Date.now();
    try {
      await delay(lasts);
    } finally {
      await end();
    }
    return { from, to: Date.now() };
  };
  /** For what the database, or a topic, takes or refuses at once. */
  const atOnce = async (step: () => Promise<void>) => {
    const from = Date.now();
    await step();
    return { fault, from, to: Date.now() };
  };
  /** One more process of a service for a while, which is killed at the end. */
  const member = (service: Service, suffix: string, env: Readonly<Record<string, string>>) => {
    const name = `${service}-${suffix}`;
    return turn(name, () =>
      during(
        () => startMember(lab, service, name, env),
        () => endMember(lab, name),
      ),
    );
  };

  switch (kind) {
    case 'kill':
      return turn(target, () => endPart(stack, target, 'SIGKILL'));
    case 'term':
      // Postgres takes SIGTERM for "when everybody has left"; SIGINT is its fast shutdown.
      return turn(target, () => endPart(stack, target, target === 'postgres' ? 'SIGINT' : 'SIGTERM'));
    case 'pause':
      return turn(target, async () => {
        const processes = processesOf(await pidOf(stack, target));
        return during(
          () => signalAll(processes, 'SIGSTOP'),
          () => signalAll(processes, 'SIGCONT'),
        );
      });
    case 'cut':
    case 'stall':
    case 'delay': {
      const proxy = lab.links.get(target);
      if (!proxy) throw new Error(`there is no link ${target}`);
      const behaviour = kind === 'delay' ? { kind, milliseconds: 100 } : { kind };
      return turn(target, () =>
        during(
          () => proxy.behave(behaviour),
          () => proxy.behave({ kind: 'open' }),
        ),
      );
    }
    case 'connector-pause':
      return turn(target, () =>
        during(
          () => walpost(lab, 'connectors', 'pause', target),
          () => walpost(lab, 'connectors', 'resume', target),
        ),
      );
    case 'connector-delete':
      return turn(target, () =>
        during(
          () => walpost(lab, 'connectors', 'delete', target, '--yes'),
          () => walpost(lab, 'connectors', 'apply', target),
        ),
      );
    case 'slot-drop':
      return turn(target, () => dropSlot(lab, target));
    case 'task-failed':
      // A password that is being changed: what the connector cannot fix by itself.
      return turn('password of cdc', () =>
        during(
          () => lockOut(lab, target),
          () => letIn(lab),
        ),
      );
    case 'churn':
      return member(target as Service, 'extra', {});
    case 'clock': {
      if (!existsSync(FAKETIME)) return { fault, from: 0, to: 0, skipped: `there is no ${FAKETIME}` };
      const env = {
        LD_PRELOAD: FAKETIME,
        FAKETIME: fault.number % 2 === 0 ? '+1h' : '-1h',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      };
      const name = fault.number % 2 === 0 ? 'early' : 'late';
      return member(target as Service, name, env);
    }
    case 'poison':
      return atOnce(async () => {
        damage.planted.push(await plantPoison(lab, target as PoisonKind, damage.latestOrder()));
      });
    case 'bulk-and-restart':
      return turn(target, async () => {
        let from = Date.now();
        const asks = await placeInBulk(lab, async () => {
          await stack.ready(target);
          from = Date.now();
          await stack.kill(target);
        });
        damage.placed.push(...asks);
        await stack.ready(target);
        return { from, to: Date.now() };
      });
    case 'lock-rows':
      return { fault, ...(await lockRows(lab, target as Lockable, lasts)) };
    case 'alter-tables':
      return turn(`tables of ${target}`, () => alterTables(lab, target as Service, fault.number));
    case 'postgres-stall':
      // What another fault does to a service meanwhile would be taken for frozen.
      return turn(['postgres', ...services], async () => {
        const { stall, ...times } = await stallPostgres(lab, lasts);
        damage.stalls.push(stall);
        damage.placed.push(...stall.asks);
        return times;
      });
    case 'foreign-transaction':
      // Of a broker that dies meanwhile it could be forgotten (KAFKA-20734), and nobody would end it.
      return turn('kafka', async () => {
        const { planted, ...times } = await holdTransaction(lab, target as TransactionEnd, lasts);
        damage.planted.push(planted);
        return times;
      });
    case 'foreign-batch':
      return atOnce(async () => {
        damage.planted.push(...(await plantBatch(lab, target as Codec)));
      });
    case 'oversized-row':
      return atOnce(async () => {
        damage.attempts.push(await writeOversizedRow(lab, target as Publisher));
      });
    case 'logical-message':
      return atOnce(async () => {
        damage.attempts.push(await sendForeignMessage(lab, target as Publisher));
      });
    case 'connect-kill-after-heartbeat':
      return turn(target, async () => {
        await awaitHeartbeat(lab);
        return endPart(stack, target, 'SIGKILL');
      });
  }
}
