import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from '@jest/globals';

const program = join(import.meta.dirname, '../../../../dist/test/stopping-service.js');

test.each([
  ['is stopped', ['started', 'third', 'second', 'first'], 0],
  ['release fails', ['started', 'third', 'second', 'first'], 0],
  ['start fails', ['second', 'first'], 1],
  ['fails later', ['third', 'second', 'first'], 1],
])('a service that %s releases everything, the last acquired first', async (how, lines, code) => {
  const child = spawn(process.execPath, [program, how], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('close', resolve));
  const printed: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    printed.push(line);
    if (line === 'started') child.kill('SIGTERM');
  }
  expect(printed).toEqual(lines);
  expect(await exited).toBe(code);
});
