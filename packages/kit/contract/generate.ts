import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { generateEvents } from './generate-events.js';
import { readSchemaFiles } from './read-schema-files.js';

const schemas = fileURLToPath(new URL('../../../schemas', import.meta.url));
writeFileSync(new URL('events.generated.ts', import.meta.url), generateEvents(readSchemaFiles(schemas)));
process.stdout.write('wrote packages/kit/contract/events.generated.ts\n');
