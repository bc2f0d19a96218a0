import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { reason } from './errors.js';
import { generateEvents, type SchemaFile } from './generate-events.js';

/**
 * Reads every `<topic>/<Event>.avsc` below a folder, sorted by path.
 * @throws Error naming the file that is not JSON
 */
export function readSchemaFiles(folder: string): SchemaFile[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !['node_modules', 'dist', 'test'].includes(entry.name))
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

// npm runs a workspace's scripts in its folder.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync('contract/events.generated.ts', generateEvents(readSchemaFiles('../../schemas')));
  process.stdout.write('wrote packages/kit/contract/events.generated.ts\n');
}
