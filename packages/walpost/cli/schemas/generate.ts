import { writeFileSync } from 'node:fs';
import { asyncApi } from './asyncapi.ts';

const file = new URL('../../../../docs/asyncapi.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(asyncApi(), null, 2)}\n`);
process.stdout.write('wrote docs/asyncapi.json\n');
