import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { root } from 'walpost/stack/paths';

/** What the shop deals with. The packages are for any project, so they name none of it. */
const SHOP = /\b(orders?|payments?|inventor(y|ies)|notifications?|e-?mails?|customers?)\b/i;

const EXCUSED = [
  // Sequence.
  /\b(in|out of|keep) (the |their |its |one |this )?order\b/gi,
  /\bthe order of\b/gi,
  /\border by\b/gi,
  // Former names, until the next release.
  /#order=/g,
  /'dead-letters retry-emails', name: 'retry notification'/g,
];

/** What is of the shop in a line, a name like `orderId` or `ORDER_URL` too. */
function named(line: string): string | undefined {
  const words = line.replace(/([a-z\d])(?=[A-Z])/g, '$1 ').replaceAll('_', ' ');
  return SHOP.exec(EXCUSED.reduce((text, excuse) => text.replace(excuse, ''), words))?.[0];
}

const sources = ['packages/kit', 'packages/walpost'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter(
      (name) =>
        /\.(tsx?|mjs|html|css|md)$/.test(name) &&
        !/\/(test|testing|dist|node_modules)\/|\/stack\/(catch-)?mail\.ts$/.test(name),
    ),
);

test('the packages name nothing of the shop', () => {
  expect(sources.length).toBeGreaterThan(200);
  const found = sources.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, at) => (named(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
  );
  expect(found).toEqual([]);
});

test.each([
  ['/** Of one order. */', 'order'],
  ['readonly orderId: string;', 'order'],
  ['function OrderHead() {', 'Order'],
  ["'order_id'", 'order'],
  ['ORDER_URL', 'ORDER'],
  ['e.g. `payment-service`', 'payment'],
  ['an e-mail of theirs', 'e-mail'],
  ['in the order of a customer', 'customer'],
  ['in their order, out of order, in the order of the names', undefined],
  ['sql`select id from outbox order by id`', undefined],
  ['db.select().from(inbox).orderBy(inbox.id)', undefined],
  ['reorder, recorder, ordering, border: 1px', undefined],
])('%s: %s', (line, word) => {
  expect(named(line)).toBe(word);
});
