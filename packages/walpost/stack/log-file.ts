import { closeSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const rotateAt = 20 * 1024 * 1024;
const tailBytes = 16 * 1024;

/** A child's log, opened for appending; `from` is where this run's lines begin. */
export interface LogFile {
  path: string;
  fd: number;
  from: number;
}

/** Opens a log for appending; one that has grown past 20 MB becomes `<name>.log.1` first. */
export function openLog(path: string): LogFile {
  mkdirSync(dirname(path), { recursive: true });
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > rotateAt) renameSync(path, `${path}.1`);
  const fd = openSync(path, 'a');
  return { path, fd, from: size > rotateAt ? 0 : size };
}

/** The last lines that were written since a log was opened, indented, with the path before them. */
export function tailOf(log: LogFile, lines = 15): string {
  const size = statSync(log.path, { throwIfNoEntry: false })?.size ?? 0;
  const from = Math.max(log.from, size - tailBytes);
  const bytes = Buffer.alloc(Math.max(0, size - from));
  if (bytes.length > 0) {
    const fd = openSync(log.path, 'r');
    readSync(fd, bytes, 0, bytes.length, from);
    closeSync(fd);
  }
  const last = bytes.toString('utf8').trimEnd().split('\n').slice(-lines);
  return [`last lines of ${log.path}:`, ...last.map((line) => `  ${line}`)].join('\n');
}
