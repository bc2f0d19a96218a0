import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { namelessColumns } from 'walpost/testing/nameless-columns';

const root = fileURLToPath(new URL('../../', import.meta.url));

test.each([
  'select * from orders',
  'SELECT DISTINCT * FROM orders',
  'select line.*, now() from unnest() as line',
  'select id, event.* from events as event',
  'delete from outbox returning *',
  'insert into outbox select id from taken',
  'insert into outbox\n  values (1)',
  'INSERT INTO public.outbox SELECT id FROM taken',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as it is in a source
  'insert into ${outbox} select id',
])('%j does not name its columns', (statement) => {
  expect(namelessColumns(statement)).toHaveLength(1);
});

test.each([
  'select count(*) from orders',
  'select 2 * 3, a * b from numbers',
  'insert into outbox (id) select id from taken',
  '/* select */ import * as x',
])('%j does', (statement) => {
  expect(namelessColumns(statement)).toEqual([]);
});

test('every statement in the sources names its columns', () => {
  const files = execFileSync('git', ['ls-files', '*.ts', '*.tsx', '*.mjs', '*.sql', '*.sh'], {
    cwd: root,
    encoding: 'utf8',
  });
  const found = files
    .split('\n')
    // Migrations are history: what they left is asked of a migrated database (changing-tables.int.test.ts). The
    // alternatives in the bench are other people's designs, with tables of their own. Debezium reads a table as a whole.
    .filter(
      (file) =>
        file &&
        !/\/migrations\/|^lab\/bench\/alternatives\/|nameless-columns|\/connector-config\.ts$/.test(file),
    )
    .flatMap((file) =>
      namelessColumns(readFileSync(`${root}${file}`, 'utf8')).map((line) => `${file}: ${line}`),
    );
  expect(found).toEqual([]);
});
