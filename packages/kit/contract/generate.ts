import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { generateEvents } from './generate-events.ts';
import { readSchemaFiles } from './read-schema-files.ts';

const schemas = fileURLToPath(new URL('../../../schemas', import.meta.url));
writeFileSync(`${schemas}/contract.generated.ts`, generateEvents(readSchemaFiles(schemas)));
process.stdout.write('wrote schemas/contract.generated.ts\n');
