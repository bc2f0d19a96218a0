import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { deadLetters } from '@walpost/kit/postgres/tables';
import { declaredColumns, migratedColumns } from 'walpost/testing/table-columns';
import { openTestDatabase, type TestDatabase } from '../../../tests/stack/database.ts';
import { inbox, orders, outbox, schemaIds } from '../tables.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase('orders');
});
afterAll(() => database?.close());

test.each([
  ['orders', orders],
  ['outbox', outbox],
  ['inbox', inbox],
  ['dead_letters', deadLetters],
  ['schema_ids', schemaIds],
])('%s is declared as it is migrated', async (_name, table) => {
  expect(await migratedColumns(database.admin, table)).toEqual(declaredColumns(table));
});
