import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { eventually } from 'walpost/testing/support';
import { diagnose } from '../lab/faults/check/checks.ts';
import { collect, readStock } from '../lab/faults/collect.ts';
import type { Ask } from '../lab/faults/evidence.ts';
import { waitUntilIdle } from '../lab/faults/heal.ts';
import { type Lab, openLab } from '../lab/faults/lab.ts';
import { startLoad } from '../lab/faults/load.ts';
import { services } from '../lab/faults/plan.ts';
import { leadingTo, MAKE_SERVER, ownPostgres, scriptsOf } from './stack/own-postgres.ts';

const BIN = process.env['WALPOST_TEST_POSTGRES_NEW_BIN'] ?? '';
if (BIN === '')
  console.warn(
    'Not tested: a backup of Postgres, and its restore. Set WALPOST_TEST_POSTGRES_NEW_BIN to the folder with all programs of 18.',
  );

const RATE = 10;
/** Taken in before the backup, while it is made, and again after the restore; half as many before the disaster. */
const PART = 100;

const answered = (asks: readonly Ask[]) => asks.filter(({ ids }) => ids.length > 0);

function load(lab: Lab, seed: number, orders: number) {
  const url = `http://127.0.0.1:${lab.env['ORDER_PORT']}`;
  return startLoad({ url, seed, orders, rate: RATE, giveUp: new AbortController().signal });
}

// What a reader of docs/production.md types, taken from there; what is no command is done by the test.
(BIN ? test : test.skip)(
  'a backup under load is restored, with an empty Kafka: what was answered before it has all its effects, once',
  async () => {
    const scripts = await scriptsOf('docs/production.md', '## Backups and restore');
    expect(scripts).toHaveLength(4);
    const [backup = '', restore = '', connect = '', look = ''] = scripts;
    const server = await ownPostgres();
    const data = { PGBIN: BIN, BIN, PGDATA: `${server.folder}/data`, PGBACKUP: `${server.folder}/backup` };
    try {
      const lab = await openLab(async (env) => {
        await server.shell(MAKE_SERVER, leadingTo(env, data));
      });
      try {
        const { stack, databases } = lab;
        const env = leadingTo(lab.env, data);
        const before = await readStock(lab);
        const first = load(lab, 1, 2 * PART);
        await eventually(async () => (answered(first.asks).length >= PART ? true : undefined));
        const kept = answered(first.asks).flatMap(({ ids }) => ids);
        const begun = Date.now();
        await server.shell(backup, env);
        const seconds = (Date.now() - begun) / 1000;
        await first.done;
        const late = load(lab, 2, PART / 2);
        await late.done;

        // The disaster, and what the document says in words.
        await Promise.all([...services, 'watcher', 'connect', 'registry'].map((part) => stack.stop(part)));
        await stack.stop('kafka');
        await server.shell('"$PGBIN/pg_ctl" stop -m immediate; rm -r "$PGDATA"', env);
        rmSync(join(stack.dataDir, 'kafka'), { recursive: true });

        const restoring = Date.now();
        await server.shell(restore, env);
        for (const part of ['kafka', 'registry', 'connect']) await stack.start(part);
        await server.shell(connect, env);
        await Promise.all([...services, 'watcher'].map((part) => stack.start(part)));
        const restored = (Date.now() - restoring) / 1000;
        const second = load(lab, 3, PART);
        await second.done;
        expect(await waitUntilIdle(lab, [])).toBeUndefined();
        await server.shell(look, env);
        expect(await stack.operate('outbox', 'audit')).toMatch(/ agree$/m);

        const rows = await databases.order<{ id: string; key: string }[]>`
          select id::text, idempotency_key as key from orders`;
        const ids = new Set(rows.map(({ id }) => id));
        expect(kept.filter((id) => !ids.has(id))).toEqual([]);
        // What came after the backup is gone, cancellations too.
        const keys = new Set(rows.map(({ key }) => key));
        const asks = [
          ...first.asks.filter(({ key }) => keys.has(key)).map(({ cancel: _, ...ask }): Ask => ask),
          ...second.asks,
        ];
        // The relay reads the outbox from the beginning, and may send again what it also finds in the log.
        const journal = { asks, planted: [], attempts: [], stalls: [], repeats: true };
        const evidence = await collect(lab, journal, before);
        expect([...diagnose(evidence)].filter(([, findings]) => findings.length > 0)).toEqual([]);
        const others = [...first.asks, ...late.asks].filter(({ ids: [id = ''] }) => !kept.includes(id));
        const lost = others.filter(({ key }) => !keys.has(key)).length;
        expect(late.asks.filter(({ key }) => keys.has(key))).toEqual([]);
        console.log(
          `backup in ${seconds.toFixed(1)} s under load; restored, with all parts started, in ${restored.toFixed(1)} s; the ${kept.length} orders answered before it are all there, ${lost} of ${others.length} later ones are gone`,
        );
      } finally {
        await lab.close();
      }
    } finally {
      await server.close(BIN, data.PGDATA);
    }
  },
  600_000,
);
