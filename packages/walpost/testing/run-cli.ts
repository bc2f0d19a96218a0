import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../walpost.mjs', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface CliRun {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built `walpost` as a user does, in a project that has no .env; settings are the test stack's. */
export function walpost(args: string[], env: NodeJS.ProcessEnv = {}): Promise<CliRun> {
  return startWalpost(args, env).ended;
}

/** The same, for what does not end by itself. */
export function startWalpost(
  args: string[],
  env: NodeJS.ProcessEnv = {},
): { child: ChildProcess; ended: Promise<CliRun> } {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const project = makeProject();
  const child = spawn(process.execPath, [program, ...args], { cwd: project, env: { ...inherited, ...env } });
  const run = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    run.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    run.stderr += text;
  });
  const ended = new Promise<CliRun>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      rmSync(project, { recursive: true });
      resolve({ code, ...run });
    });
  });
  return { child, ended };
}

/** A project like the clone's, without its .env. @returns its folder */
function makeProject(): string {
  const project = mkdtempSync(join(tmpdir(), 'walpost-project-'));
  for (const name of ['walpost.config.ts', 'connectors', 'schemas'])
    symlinkSync(join(root, name), join(project, name));
  return project;
}

/** The cells of a printed table, without its headings. */
export function cells(stdout: string): string[][] {
  return stdout
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(/ {2,}/));
}
