import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** What the stack keeps in a data folder, beside what Postgres closes by itself. */
const OWN = ['kafka', 'logs', 'conf', 'mail'];

/**
 * Makes what a stack keeps readable by nobody else: the records of Kafka, the logs, whatever this process and its children
 * write from now on, and what an older version left open.
 */
export function makePrivate(dataDir: string): void {
  const isNew = mkdirSync(dataDir, { recursive: true }) !== undefined;
  // A folder that was there may be for other things too. Started by root, Postgres runs as a user who must be able to pass.
  if (isNew) chmodSync(dataDir, process.getuid?.() === 0 ? 0o711 : 0o700);
  for (const folder of OWN.map((name) => join(dataDir, name))) {
    if (existsSync(folder)) chmodSync(folder, 0o700);
  }
  process.umask(0o077);
}
