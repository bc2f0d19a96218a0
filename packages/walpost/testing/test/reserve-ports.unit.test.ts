import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { requireFreePorts } from '../../stack/free-ports.ts';
import { reservePorts } from '../reserve-ports.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'walpost-ports-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('two reservations never share a port, and a released one leaves nothing', async () => {
  const blocks = await Promise.all([reservePorts(folder), reservePorts(folder), reservePorts(folder)]);
  const ports = blocks.flatMap((block) => block.ports);
  expect(ports.length).toBeGreaterThan(0);
  expect(new Set(ports).size).toBe(ports.length);
  for (const block of blocks) block.release();
  expect(readdirSync(folder)).toEqual([]);
});

test('a taken port is named with its part and the variable that changes it', async () => {
  const block = await reservePorts(folder);
  const [port = 0, free = 0] = block.ports;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const use = { component: 'kafka', variable: 'KAFKA_BROKERS', example: 'localhost:<free port>' };
  await expect(requireFreePorts([{ ...use, port }])).rejects.toThrow(
    `Port ${port} is taken (needed by kafka). Set KAFKA_BROKERS=localhost:<free port> in .env, or stop what listens there.`,
  );
  await expect(requireFreePorts([{ ...use, port: free }])).resolves.toBeUndefined();
  await new Promise((resolve) => server.close(resolve));
  block.release();
});
