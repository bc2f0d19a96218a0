import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { reason } from '@walpost/kit/contract/errors';
import { generateEvents } from '@walpost/kit/contract/generate-events';
import { readSchemaFiles } from '@walpost/kit/contract/read-schema-files';
import { CliError } from './cli-error.ts';

/** Where the contract is, from the project's folder. */
export const CONTRACT = 'schemas/contract.generated.ts';

/** The contract that the `.avsc` files of a project say. @throws CliError naming the file that is wrong */
export function contractText(folder: string): string {
  try {
    return generateEvents(readSchemaFiles(join(folder, 'schemas')));
  } catch (error) {
    throw new CliError(`schemas: ${reason(error)}`, { cause: error });
  }
}

/** Whether a file of a project is other than it is to be, or is not there. */
export function isStale(folder: string, file: string, text: string): boolean {
  const path = join(folder, file);
  return !existsSync(path) || readFileSync(path, 'utf8') !== text;
}

/**
 * Writes those files that are other than they are to be; a script can be run. Everybody may read them, whatever the
 * umask: containers mount some of them, and run as users of their own.
 *
 * @param files their texts, by their paths from the folder
 * @param check whether to write nothing
 * @returns what was other; with `check` it still is
 */
export function putFiles(folder: string, files: Readonly<Record<string, string>>, check = false): string[] {
  const stale = Object.entries(files).filter(([file, text]) => isStale(folder, file, text));
  for (const [file, text] of check ? [] : stale) {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, text.startsWith('#!') ? 0o755 : 0o644);
  }
  return stale.map(([file]) => file);
}

export function staleText(files: readonly string[]): string {
  return `${files.join(', ')}: not what the .avsc files and walpost.config.ts say; run \`npx walpost generate\``;
}

/** @throws CliError when the contract is not what the `.avsc` files say: nothing is to be started, or registered, by it */
export function requireFreshContract(folder: string): void {
  // An image has the contract, and no `.avsc` files.
  if (!existsSync(join(folder, 'schemas'))) return;
  const path = join(folder, CONTRACT);
  // Another release may have worded the first line otherwise, which is a comment.
  const withoutHeader = (text: string) => text.slice(text.indexOf('\n'));
  const text = withoutHeader(contractText(folder));
  if (!existsSync(path) || withoutHeader(readFileSync(path, 'utf8')) !== text)
    throw new CliError(staleText([CONTRACT]));
}
