import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reason } from './errors.ts';
import type { SchemaFile } from './generate-events.ts';

/**
 * Reads every `<topic>/<Event>.avsc` below a folder, sorted by path.
 * @throws Error naming the file that is not JSON, or in no topic's folder
 */
export function readSchemaFiles(folder: string): SchemaFile[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const stray = entries.find((entry) => entry.isFile() && entry.name.endsWith('.avsc'));
  if (stray) throw new Error(`${stray.name}: it belongs into a folder that has the name of its topic`);
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .flatMap((topic) =>
      readdirSync(join(folder, topic))
        .filter((file) => file.endsWith('.avsc'))
        .sort()
        .map((file) => ({ topic, path: `${topic}/${file}`, schema: readJson(join(folder, topic, file)) })),
    );
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`${path}: ${reason(error)}`, { cause: error });
  }
}
