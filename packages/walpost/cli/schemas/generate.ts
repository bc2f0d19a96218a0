import { writeFileSync } from 'node:fs';
import { asyncApi } from './asyncapi.js';

// npm runs a workspace's scripts in its folder.
writeFileSync('../../docs/asyncapi.json', `${JSON.stringify(asyncApi(), null, 2)}\n`);
process.stdout.write('wrote docs/asyncapi.json\n');
