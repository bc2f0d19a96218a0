import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { codeOf } from './stack-error.js';

/** A random, URL-safe value. */
export function makeSecret(): string {
  return randomBytes(18).toString('base64url');
}

/** The example with a random value for every `…_PASSWORD=` and `…_TOKEN=` that has none. */
export function withPasswords(example: string, random = makeSecret): string {
  return example.replace(/^(\w+_(?:PASSWORD|TOKEN))=$/gm, (_line, name: string) => `${name}=${random()}`);
}

/**
 * Writes an .env with generated passwords, readable by its owner only, unless there is one.
 * Says whether it did.
 */
export async function makeEnvFile(file: string, exampleFile: string): Promise<boolean> {
  const text = withPasswords(await readFile(exampleFile, 'utf8'));
  try {
    await writeFile(file, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}
