import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { contract } from '../../../../../schemas/contract.generated.ts';
import { cells, walpost } from '../../../testing/run-cli.ts';
import { setting } from '../../../testing/support.ts';

const url = () => setting(process.env as Record<string, string>, 'SCHEMA_REGISTRY_URL');
const { subject, fullName } = contract.eventType('PaymentRefunded');
const other = contract.eventType('StockReleased').subject;

async function ask(method: string, path: string, body?: unknown): Promise<number> {
  const response = await fetch(url() + path, {
    method,
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return response.status;
}

/** Somebody registered a version that the contract cannot follow, which the registry itself would not have let in. */
beforeAll(async () => {
  const [, namespace, name] = /^(.*)\.(\w+)$/.exec(fullName) ?? [];
  const schema = { type: 'record', name, namespace, fields: [{ name: 'orderId', type: 'int' }] };
  expect(await ask('PUT', `/config/${subject}`, { compatibility: 'NONE' })).toBe(200);
  expect(await ask('POST', `/subjects/${subject}/versions`, { schema: JSON.stringify(schema) })).toBe(200);
});
afterAll(async () => {
  await ask('DELETE', `/subjects/${subject}`);
  await ask('DELETE', `/subjects/${subject}?permanent=true`);
});

test('an incompatible change is refused before anything is registered, and says which field breaks which rule', async () => {
  for (const command of ['check', 'register']) {
    const { code, stdout, stderr } = await walpost(['schemas', command]);
    expect([command, code]).toEqual([command, 1]);
    const said = stdout + stderr;
    expect(said).toMatch(/PaymentRefunded\.orderId: type changed from int to string: .*version 1/);
    expect(said).toContain('PaymentRefunded.amount: added without a default');
  }
  expect(await ask('GET', `/subjects/${other}/versions`)).toBe(404);
});

test('register is idempotent, and sets FULL_TRANSITIVE for each subject', async () => {
  await ask('DELETE', `/subjects/${subject}`);
  await ask('DELETE', `/subjects/${subject}?permanent=true`);
  const first = await walpost(['schemas', 'register']);
  expect([first.code, first.stderr]).toEqual([0, '']);
  const again = await walpost(['schemas', 'register']);
  expect(cells(again.stdout).map((row) => row.at(-1))).toEqual(Array(9).fill('unchanged'));
  const response = await fetch(`${url()}/config/${other}`);
  expect(await response.json()).toMatchObject({ compatibilityLevel: 'FULL_TRANSITIVE' });
  expect((await walpost(['schemas', 'check'])).code).toBe(0);
});
