import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isFree } from '../stack/free-ports.ts';
import { takeLock } from '../stack/lock.ts';
import { StackError } from '../stack/stack-error.ts';

/** Ports that belong to this process until they are released. */
export interface PortBlock {
  ports: readonly number[];
  release(): void;
}

const blockSize = 24;
// Below the ranges from which systems take ports for outgoing connections (Linux 32768, macOS 49152).
const lowest = 20_000;
const highest = 32_000;

function ownFolder(): string {
  return join(tmpdir(), `walpost-ports-${process.getuid?.()}`);
}

/**
 * Free ports in a row that no other test run on this machine gets, held by a lock file in the folder.
 * Throws a StackError when there are none left.
 */
export async function reservePorts(folder = ownFolder()): Promise<PortBlock> {
  const blocks = Math.floor((highest - lowest) / blockSize);
  // Beginning anywhere, so that runs which start together seldom try the same block.
  const start = Math.floor(Math.random() * blocks);
  for (let tried = 0; tried < blocks; tried++) {
    const first = lowest + ((start + tried) % blocks) * blockSize;
    const lock = await takeLock(join(folder, String(first)), () => undefined).catch((error: unknown) => {
      if (error instanceof StackError) return undefined; // another run holds it
      throw error;
    });
    if (!lock) continue;
    const ports = Array.from({ length: blockSize }, (_, index) => first + index);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return { ports, release: () => lock.release() };
    lock.release();
  }
  throw new StackError(`No ${blockSize} free ports in a row between ${lowest} and ${highest}.`);
}
