import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseEnv, promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { endOf, eventually, placeOrder, setting } from 'walpost/testing/support';
import { askPrometheus, emptyPanels } from './ask-prometheus.ts';
import { ASK_EVERY, type ComposeStack, composeStack, TIMEOUT_S } from './compose-stack.ts';
import { effectsOf, exactly, orderWhile } from './order-load.ts';

const versions = new URL('../../compose/versions.env', import.meta.url);
const { PROMETHEUS_IMAGE = '' } = parseEnv(readFileSync(versions, 'utf8'));

const hasDocker = spawnSync('docker', ['compose', 'ls']).status === 0;
if (!hasDocker) console.warn('the cluster needs Docker with Compose: not tested');

let stack: ComposeStack;
beforeAll(async () => {
  if (!hasDocker) return;
  stack = await composeStack(['compose.yaml', 'compose/cluster.yaml']);
  await stack.explaining(() => stack.compose('up', '--build', '--wait'));
}, 600_000);
afterAll(() => stack?.close());

/** Orders in, and out at the other end. */
async function flows(): Promise<void> {
  const { id } = await placeOrder(stack.env);
  expect((await endOf(stack.env, id, TIMEOUT_S)).status).toBe('CONFIRMED');
}

// An image of 300 MB that nothing else here needs: where it was never fetched, that is said, and the other tests run.
const hasPrometheus = hasDocker && spawnSync('docker', ['image', 'inspect', PROMETHEUS_IMAGE]).status === 0;
if (hasDocker && !hasPrometheus) console.warn(`its test needs the image: docker pull ${PROMETHEUS_IMAGE}`);

(hasPrometheus ? test : test.skip)(
  'Prometheus reads every service, evaluates every rule, and has something for every panel',
  async () => {
    await stack.compose('up', '--detach', '--wait', 'prometheus');
    await orderWhile(stack.env, flows);
    const diagnosed = await eventually(async () => {
      const now = await askPrometheus(stack.env);
      return now.pending.length === 0 ? now : undefined;
    });
    // Connect answers there only with CONNECT_JMX_EXPORTER=true.
    expect(diagnosed.unreachable.filter((each) => !each.startsWith('http://connect:9404/'))).toEqual([]);
    expect(diagnosed.unevaluated).toEqual([]);
    expect(diagnosed.firing).toEqual([]);
    // A rate takes two readings. Of duplicates and retries there are none where nothing went wrong.
    const empty = async () =>
      (await emptyPanels(stack.env)).filter((each) => !/outcome="duplicate"|retries_total/.test(each));
    await eventually(async () => {
      expect(await empty()).toEqual([]);
      return true;
    });
  },
);

/** A test that may wait several times, and explains what went wrong. */
function explainedTest(name: string, work: () => Promise<void>): void {
  (hasDocker ? test : test.skip)(name, () => stack.explaining(work), 900_000);
}

explainedTest(
  'a broker dies under load: intake never stops, nothing is lost and nothing doubled',
  async () => {
    const { ids, refused } = await orderWhile(stack.env, async () => {
      await stack.compose('kill', 'kafka-2');
      await flows();
      await stack.start('kafka-2');
      await stack.healthy('kafka-2');
      await flows();
    });
    expect(refused).toBe(0);
    expect(ids.length).toBeGreaterThan(0);
    expect(await effectsOf(stack.env, ids)).toEqual(exactly(ids.length));
  },
);

explainedTest(
  'a Connect worker dies under load: the other takes its connectors, nothing is lost and nothing doubled',
  async () => {
    /** Asks one worker where the order connector's task runs. */
    const workerOf = async (asked: string) => {
      const said = await stack.compose(
        ...['run', '--rm', '--env', `CONNECT_URL=http://${asked}:8083`, 'walpost'],
        ...['connectors', 'status', 'order-outbox', '--json'],
      );
      const [row] = JSON.parse(said) as { taskState: string; worker: string }[];
      return row?.taskState === 'RUNNING' ? row.worker : undefined;
    };
    const [victim] = (await eventually(() => workerOf('connect'), TIMEOUT_S, { every: ASK_EVERY })).split(
      ':',
    );
    const survivor = victim === 'connect' ? 'connect-2' : 'connect';
    const { ids, refused } = await orderWhile(stack.env, async () => {
      await stack.compose('kill', String(victim));
      await flows();
      expect(
        (await eventually(() => workerOf(survivor), TIMEOUT_S, { every: ASK_EVERY })).split(':')[0],
      ).toBe(survivor);
      await stack.start(String(victim));
      await stack.healthy(String(victim));
    });
    expect(refused).toBe(0);
    expect(ids.length).toBeGreaterThan(0);
    expect(await effectsOf(stack.env, ids)).toEqual(exactly(ids.length));
  },
);

/** What is looked at before the next broker is restarted (docs/production.md). */
async function areInSync(): Promise<true | undefined> {
  const said = await stack.compose('run', '--rm', 'walpost', 'topics', 'describe', '--json');
  const topics = JSON.parse(said) as { underReplicated: number }[];
  return topics.every(({ underReplicated }) => underReplicated === 0) || undefined;
}

explainedTest(
  'brokers and workers are restarted one after the other under load: intake never stops, nothing is lost or doubled',
  async () => {
    const { ids, refused } = await orderWhile(stack.env, async () => {
      for (const part of ['kafka-3', 'kafka-2', 'kafka', 'connect-2', 'connect']) {
        await stack.compose('restart', part);
        await stack.healthy(part);
        await eventually(areInSync, TIMEOUT_S, { every: ASK_EVERY });
        await flows();
      }
    });
    expect(refused).toBe(0);
    expect(ids.length).toBeGreaterThan(0);
    expect(await effectsOf(stack.env, ids)).toEqual(exactly(ids.length));
  },
);

explainedTest(
  'the primary dies under load and the standby takes over: its slot goes on, nothing is lost',
  async () => {
    const standby = { ...stack.env, POSTGRES_PORT: setting(stack.env, 'POSTGRES_STANDBY_PORT') };
    const slots = `SELECT slot_name FROM pg_replication_slots
    WHERE slot_type = 'logical' AND failover AND synced AND NOT temporary ORDER BY 1`;
    const names = async () =>
      (await stack.compose('exec', '-T', 'postgres-standby', 'psql', '-U', 'postgres', '-XAtc', slots))
        .trim()
        .split('\n');
    await eventually(async () => ((await names()).length === 3 ? true : undefined), TIMEOUT_S, {
      every: ASK_EVERY,
    });
    expect(await names()).toEqual(['inventory_outbox', 'order_outbox', 'payment_outbox']);
    const { ids } = await orderWhile(stack.env, async () => {
      const own = Object.fromEntries(
        Object.entries(stack.env).filter(([name]) => name.startsWith('COMPOSE_')),
      );
      await promisify(execFile)('bash', ['compose/cluster/failover.sh'], { env: { ...process.env, ...own } });
      await eventually(() => placeOrder(stack.env), TIMEOUT_S);
      await flows();
    });
    expect(ids.length).toBeGreaterThan(0);
    expect(await effectsOf(standby, ids)).toEqual(exactly(ids.length));
  },
);
