import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from '@jest/globals';
import { defineConfig } from '@walpost/kit/config';
import { eventually } from 'walpost/testing/support';
import { freeEnvironment } from 'walpost/testing/test-stack';
import { contract } from '../schemas/contract.generated.ts';

export const exec = promisify(execFile);
export const root = fileURLToPath(new URL('..', import.meta.url));
/** As a shell has it that never heard of this repository. */
const { NODE_OPTIONS: _, ...shell } = process.env;
export const outside = shell;

/** Somebody's project of a publisher `shipment` and a consumer `tracking`, in a folder outside the clone. */
export interface OutsideProject {
  /** Where it is, or is to be made. */
  readonly folder: string;
  readonly env: Record<string, string>;
  /** Runs a command in it. @returns what it printed */
  run(command: string, ...args: string[]): Promise<string>;
  /** Resolves when all of it runs. */
  start(): Promise<void>;
  /** Posts a shipment. */
  send(customerId: string): Promise<void>;
  untilCounted(wanted: Record<string, number>): Promise<void>;
  /** Stops it, and leaves nothing. */
  close(): Promise<void>;
}

/** Makes the packages as npm would have them. @returns the folder with their tarballs */
export async function pack(): Promise<string> {
  await exec(process.execPath, [join(root, 'scripts/pack.mjs')], { cwd: root, env: outside });
  return join(root, 'dist/packages');
}

/** @param services their names: each gets a port of its own */
export async function outsideProject(...services: string[]): Promise<OutsideProject> {
  // As whoever keeps what he makes to himself.
  process.umask(0o077);
  const parent = mkdtempSync(join(tmpdir(), 'walpost-project-'));
  const folder = join(parent, 'parcels');
  const named = Object.fromEntries(services.map((name, at) => [name, { port: at + 1 }]));
  const free = await freeEnvironment(defineConfig({ name: 'parcels', contract, services: named }));
  const env = { ...free.env };
  let launcher: ChildProcess | undefined;

  const run = async (command: string, ...args: string[]) =>
    (await exec(command, args, { cwd: folder, env: { ...outside, ...env } })).stdout;

  return {
    folder,
    env,
    run,
    async start() {
      const child = spawn('npx', ['walpost', 'start'], {
        cwd: folder,
        env: { ...outside, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      launcher = child;
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk) => {
          output += chunk;
        });
      await eventually(async () => {
        if (child.exitCode !== null) throw new Error(output);
        return output.includes('Walpost runs') || undefined;
      }, 180);
    },
    async send(customerId) {
      const response = await fetch(`http://localhost:${env['SHIPMENT_PORT']}/shipment`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ customerId, quantity: 2 }),
      });
      expect([response.status, await response.text()]).toEqual([201, expect.stringContaining(customerId)]);
    },
    async untilCounted(wanted) {
      await eventually(async () => {
        const response = await fetch(`http://localhost:${env['TRACKING_PORT']}/totals`);
        const rows = (await response.json()) as { customer_id: string; events: number }[];
        const found = Object.fromEntries(rows.map((row) => [row.customer_id, row.events]));
        if (JSON.stringify(found) === JSON.stringify(wanted)) return true;
        throw new Error(JSON.stringify(found));
      });
    },
    async close() {
      if (launcher && launcher.exitCode === null && launcher.signalCode === null) {
        launcher.kill('SIGTERM');
        await once(launcher, 'exit');
      }
      free.release();
      rmSync(parent, { recursive: true, force: true });
    },
  };
}
