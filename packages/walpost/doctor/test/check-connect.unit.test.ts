import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { connectorFile } from '../../connect/connector-config.ts';
import { changedConnectors } from '../check-connect.ts';

const folder = mkdtempSync(join(tmpdir(), 'walpost-connectors-'));
afterAll(() => rmSync(folder, { recursive: true }));

const apply = 'npx walpost connectors apply loan-outbox';
const connector = { name: 'loan-outbox', config: { 'tasks.max': '1' } };
const [path, text] = connectorFile(connector);

// A command that is offered must help: to apply an old file again would change nothing.
test.each([
  ['not there', undefined, ['npx walpost generate', apply]],
  ['of an older release', text.replace('1', '2'), ['npx walpost generate', apply]],
  ['as it is generated', text, [apply]],
])('a connector that is otherwise, and its file is %s', (_what, file, help) => {
  if (file !== undefined) {
    mkdirSync(join(folder, 'connectors'), { recursive: true });
    writeFileSync(join(folder, path), file);
  }
  expect(changedConnectors(folder, [connector])).toMatchObject({ state: 'warn', help });
});
