import { execFile } from 'node:child_process';
import type { Launch } from './child.ts';
import { StackError } from './stack-error.ts';

/** Runs a short program that prepares something; gives its standard output. Throws a StackError with what it said. */
export async function runToEnd(name: string, { command, args, env, cwd }: Launch): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { env, cwd, timeout: 120_000 }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const tail = `${stdout}\n${stderr}`.trim().split('\n').slice(-15).join('\n  ');
      reject(new StackError(`${name} failed (${error.code ?? error.signal}):\n  ${tail || error.message}`));
    });
  });
}
