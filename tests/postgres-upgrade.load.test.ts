import { expect, test } from '@jest/globals';
import { eventually } from 'walpost/testing/support';
import { diagnose } from '../lab/faults/check/checks.ts';
import { collect, readStock } from '../lab/faults/collect.ts';
import type { Ask } from '../lab/faults/evidence.ts';
import { waitUntilIdle } from '../lab/faults/heal.ts';
import { openLab } from '../lab/faults/lab.ts';
import { startLoad } from '../lab/faults/load.ts';
import { services } from '../lab/faults/plan.ts';
import { leadingTo, MAKE_SERVER, ownPostgres, scriptsOf } from './stack/own-postgres.ts';

const OLD = process.env['WALPOST_TEST_POSTGRES_OLD_BIN'] ?? '';
const NEW = process.env['WALPOST_TEST_POSTGRES_NEW_BIN'] ?? '';
const hasBoth = OLD !== '' && NEW !== '';
if (!hasBoth)
  console.warn(
    'Not tested: an upgrade of Postgres. Set WALPOST_TEST_POSTGRES_OLD_BIN and WALPOST_TEST_POSTGRES_NEW_BIN to the folders with all programs of 17 and of 18.',
  );

/** Orders a second. */
const RATE = 10;
/** About a minute of them: before, meanwhile and afterwards. */
const ORDERS = 600;
/** Taken in before it begins. */
const BEFORE = 50;

/** When orders were answered 201, ms. */
function takenIn(asks: readonly Ask[]): number[] {
  return asks
    .flatMap(({ tries }) => tries.flatMap(({ at, answer }) => (answer === '201' ? [at] : [])))
    .sort((a, b) => a - b);
}

/** The longest time in which no order was taken in, s. */
function longestGap(times: readonly number[]): number {
  return Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? at))) / 1000;
}

// What a reader of docs/production.md types, taken from there. What is no command is done by the test: it stops and
// starts the services.
(hasBoth ? test : test.skip).each([1, 2, 3])(
  'Postgres 17 becomes 18 under load, as the runbook says: nothing is missing, nothing comes twice (round %i)',
  async (seed) => {
    const scripts = await scriptsOf('docs/production.md', '### Postgres 17 to 18');
    expect(scripts).toHaveLength(3);
    const [prepare = '', upgrade = '', goOn = ''] = scripts;
    const server = await ownPostgres();
    const folders = { PGDATAOLD: `${server.folder}/17`, PGDATANEW: `${server.folder}/18` };
    const programs = { PGBINOLD: OLD, PGBINNEW: NEW };
    try {
      const lab = await openLab(async (env) => {
        await server.shell(MAKE_SERVER, leadingTo(env, { BIN: OLD, PGDATA: folders.PGDATAOLD }));
      });
      try {
        const env = leadingTo(lab.env, { ...programs, ...folders });
        const version = async () => {
          const [row] = await lab.databases.order`show server_version`;
          return Math.floor(Number(row?.['server_version']));
        };
        expect(await version()).toBe(17);
        const before = await readStock(lab);
        const url = `http://127.0.0.1:${env['ORDER_PORT']}`;
        const load = { url, seed, orders: ORDERS, rate: RATE, giveUp: new AbortController().signal };
        await server.shell(prepare, env);
        const { asks, done } = startLoad(load);
        await eventually(async () => (takenIn(asks).length >= BEFORE ? true : undefined));
        await Promise.all(services.map((each) => lab.stack.stop(each)));
        const upgrading = Date.now();
        await server.shell(upgrade, env);
        const upgraded = (Date.now() - upgrading) / 1000;
        await Promise.all(services.map((each) => lab.stack.start(each)));
        expect(await version()).toBe(18);
        const slots = await lab.databases.order`select failover, wal_status from pg_replication_slots`;
        expect(slots.map((slot) => ({ ...slot }))).toEqual(
          Array.from({ length: 3 }, () => ({ failover: true, wal_status: 'reserved' })),
        );
        await server.shell(goOn, env);
        await done;
        expect(await waitUntilIdle(lab, [])).toBeUndefined();
        expect(await lab.stack.operate('outbox', 'audit')).toMatch(/ agree$/m);
        // That it also holds without repeats shows that no outbox was sent again.
        const journal = { asks, planted: [], attempts: [], stalls: [], repeats: false };
        const evidence = await collect(lab, journal, before);
        expect([...diagnose(evidence)].filter(([, findings]) => findings.length > 0)).toEqual([]);
        const times = takenIn(asks);
        const events = Object.values(evidence.outbox).flat().length;
        console.log(
          `${times.length} orders, ${events} events, none missing or twice; intake was away for ${longestGap(times).toFixed(1)} s, ${upgraded.toFixed(1)} of them for the commands`,
        );
      } finally {
        await lab.close();
      }
    } finally {
      await server.close(NEW, ...Object.values(folders));
    }
  },
  600_000,
);
