import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectTo, endOf, eventually, placeOrder, placeOrders } from 'walpost/testing/support';
import { type TestStack, testStack } from 'walpost/testing/test-stack';

// A disk of its own for Kafka, small enough to fill: on Linux only, and for root only, and not in every container.
const mayMount = tryToMount();
if (!mayMount) console.warn('No disk can be mounted here: what happens when Kafka’s is full is not tested.');
const withDisk = mayMount ? test : test.skip;

const SIZE = '192m';
const BALLAST = 'ballast';
const ORDERS = 200;

let stack: TestStack;
beforeAll(async () => {
  if (mayMount) stack = await testStack();
});
afterAll(async () => {
  await stack?.stop('kafka');
  await stack?.run('umount', [join(stack.dataDir, 'kafka')]);
  await stack?.close();
});

function tryToMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = mkdtempSync(join(tmpdir(), 'walpost-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', 'walpost-test', folder]).status === 0;
  if (mounted) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return mounted;
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await stack.run(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

/** Puts a part's folder, with what is in it, onto a disk of that size. */
async function moveToDisk(part: string, size: string): Promise<string> {
  const folder = join(stack.dataDir, part);
  const kept = join(tmpdir(), `walpost-disk-${process.pid}`);
  await stack.stop(part);
  mkdirSync(kept);
  await run('cp', '-a', '--sparse=always', `${folder}/.`, kept);
  await run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'walpost-test', folder);
  await run('cp', '-a', '--sparse=always', `${kept}/.`, folder);
  rmSync(kept, { recursive: true });
  await stack.start(part);
  return folder;
}

withDisk(
  'Kafka’s disk is full: orders are taken in, and all of them have their effects, once, when there is room again',
  async () => {
    const disk = await moveToDisk('kafka', SIZE);
    const before = await placeOrder(stack.env);
    await endOf(stack.env, before.id);

    const broker = stack.pid('kafka');
    // Ends when there is no room left, which is what it is for.
    await stack.run('dd', ['if=/dev/zero', `of=${join(disk, BALLAST)}`, 'bs=64k']);
    const ids = await placeOrders(stack.env, ORDERS);
    // Kafka gives up a disk that it cannot write to, and itself with the last one.
    await eventually(async () => (stack.pid('kafka') === broker ? undefined : true));
    ids.push(...(await placeOrders(stack.env, ORDERS)));

    rmSync(join(disk, BALLAST));
    for (const id of ids) expect((await endOf(stack.env, id, 180)).status).toBe('CONFIRMED');
    const sql = connectTo(stack.env, 'payments');
    const [row] = await sql`select count(*)::int as n, count(distinct order_id)::int as orders from payments`;
    expect(row).toEqual({ n: 2 * ORDERS + 1, orders: 2 * ORDERS + 1 });
    expect(await sql`select from dead_letters`).toHaveLength(0);
    await sql.end();
  },
  400_000,
);
