import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { endProcesses, type ProcessRecord, recordOf, stillRuns } from './process-table.ts';
import { codeOf, StackError } from './stack-error.ts';

interface LockContent {
  owner: ProcessRecord;
  children: ProcessRecord[];
}

/** What a lock that is already there means. */
export type Finding =
  | { kind: 'none' }
  | { kind: 'held'; owner: ProcessRecord }
  | { kind: 'left'; content: LockContent };

/** Who owns a data folder, and which processes run for it. */
export interface Lock {
  /** Notes a child, so that a later start can end it should this process be killed. */
  add(child: ProcessRecord): void;
  remove(pid: number): void;
  children(): readonly ProcessRecord[];
  release(): void;
}

/** Reads a lock: free, held by a process that runs, or left behind by one that was killed. */
export function readLock(file: string, runs = stillRuns): Finding {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { kind: 'none' };
    throw error;
  }
  const content = JSON.parse(text) as LockContent;
  return runs(content.owner) ? { kind: 'held', owner: content.owner } : { kind: 'left', content };
}

/**
 * Takes the lock of a data folder. What a killed launcher left running for it is ended first.
 * Throws a StackError when another launcher runs.
 */
export async function takeLock(file: string, say: (line: string) => void): Promise<Lock> {
  const owner = recordOf('launcher', process.pid);
  if (!owner) throw new Error('This process is not in the process table');
  mkdirSync(dirname(file), { recursive: true });
  const content: LockContent = { owner, children: [] };
  while (!create(file, content)) await clearLeftover(file, say);
  return {
    add: (child) => {
      content.children.push(child);
      replace(file, content);
    },
    remove: (pid) => {
      content.children = content.children.filter((child) => child.pid !== pid);
      replace(file, content);
    },
    children: () => content.children,
    release: () => rmSync(file, { force: true }),
  };
}

/** Ends what a killed launcher left running and takes its lock away. Throws a StackError when it still runs. */
export async function clearLeftover(file: string, say: (line: string) => void): Promise<void> {
  const finding = readLock(file);
  if (finding.kind === 'none') return;
  if (finding.kind === 'held') {
    throw new StackError(
      `Already running (process ${finding.owner.pid}, ${file}). Stop it first, with Ctrl-C.`,
    );
  }
  const running = finding.content.children.filter(stillRuns);
  if (running.length > 0) {
    say(`Ending what an earlier run left: ${running.map(({ name, pid }) => `${name} (${pid})`).join(', ')}`);
  }
  await endProcesses(running, 15);
  // Another start may have been quicker while those ended; then its lock stays.
  if (readLock(file).kind === 'left') rmSync(file, { force: true });
}

/** Makes the lock with its whole content in one step; false when there is one. */
function create(file: string, content: LockContent): boolean {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(content));
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function replace(file: string, content: LockContent): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(content));
  renameSync(draft, file);
}
