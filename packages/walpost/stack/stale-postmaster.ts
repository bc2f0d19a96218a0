import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isAlive } from './process-table.ts';
import { codeOf, StackError } from './stack-error.ts';

const orphansMaySeconds = 10;

/**
 * Removes a data folder's postmaster.pid when it names a process that is a zombie, or by now something else:
 * Postgres would take it for a running server and refuse to start. Our own leftovers were ended before, so a
 * postgres that lives is somebody else's, and a StackError says so.
 */
export async function removeStalePid(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]);
  if (!pid || !hasEntry(pid)) return; // then Postgres removes it itself
  if (isAlive(pid) && (await commandOf(pid)).includes('postgres')) {
    throw new StackError(`Process ${pid} already runs a Postgres on ${data}. Stop it first.`);
  }
  // Without the file Postgres does not look for backends that outlived their postmaster, so we do.
  const deadline = Date.now() + orphansMaySeconds * 1000;
  while (await isWorkedIn(data)) {
    if (Date.now() > deadline) throw new StackError(`Processes of a killed Postgres still work in ${data}.`);
    await wait(50);
  }
  await rm(file, { force: true });
}

function hasEntry(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

async function commandOf(pid: number): Promise<string> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'comm=', '-p', String(pid)]);
  return stdout;
}

/** Whether a process has the folder as its working directory, as every backend does; false where there is no /proc. */
async function isWorkedIn(folder: string): Promise<boolean> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const places = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return places.includes(await realpath(folder));
}
