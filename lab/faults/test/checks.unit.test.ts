import { expect, test } from '@jest/globals';
import { checks, diagnose } from '../check/checks.ts';
import { CANCELLED, CONFIRMED, type Damaged, healthy, recordOf, row } from './healthy.ts';

test('a healthy system breaks no promise', () => {
  expect([...diagnose(healthy())].filter(([, found]) => found.length > 0)).toEqual([]);
});

/** What is done to a healthy system, the promise that it breaks, and words of the finding. */
const damages: [string, string, RegExp, (system: Damaged) => void][] = [
  [
    'an acknowledged order is gone',
    'acknowledged orders are there',
    /there is no such order/,
    (s) => s.orders.splice(0, 1),
  ],
  [
    'a key made two orders',
    'acknowledged orders are there',
    /two orders/,
    (s) => at(s.asks, 0).ids.push(CANCELLED),
  ],
  [
    'an order has another amount',
    'acknowledged orders are there',
    /not as key/,
    (s) => Object.assign(at(s.orders, 0), { total: 7 }),
  ],
  ['an order that nobody asked for', 'every order was asked for', /never asked/, (s) => s.asks.splice(1, 1)],
  [
    'an order that does not end',
    'every order has ended as its answers say',
    /still PENDING/,
    (s) => Object.assign(at(s.orders, 0), { status: 'PENDING' }),
  ],
  [
    'a confirmation against an answer',
    'every order has ended as its answers say',
    /CONFIRMED with payment NO/,
    (s) => Object.assign(at(s.orders, 0), { payment: 'NO' }),
  ],
  [
    'a cancellation for no reason',
    'every order has ended as its answers say',
    /no reason/,
    (s) => Object.assign(at(s.orders, 1), { payment: 'YES', reason: 'x' }),
  ],
  [
    'an order is given up too soon',
    'no order is given up before it is overdue',
    /overdue after 1 ms/,
    (s) => Object.assign(at(s.orders, 1), { payment: 'PENDING', reason: 'no answer from payment in time' }),
  ],
  [
    'an answered cancellation is undone',
    'answered cancellations hold',
    /is CONFIRMED/,
    (s) => Object.assign(at(s.asks, 0), { cancel: { at: 1, answer: '200' } }),
  ],
  [
    'a payment is missing',
    'money: one payment an order, as it ended',
    /has no payment/,
    (s) => s.payments.splice(0, 1),
  ],
  [
    'a payment is doubled',
    'money: one payment an order, as it ended',
    /has 2 payments/,
    (s) => s.payments.push(at(s.payments, 0)),
  ],
  [
    'a wrong amount',
    'money: one payment an order, as it ended',
    /is charged 1 /,
    (s) => Object.assign(at(s.payments, 0), { amount: 1 }),
  ],
  [
    'money kept for a cancelled order',
    'money: one payment an order, as it ended',
    /AUTHORIZED/,
    (s) => Object.assign(at(s.payments, 1), { status: 'AUTHORIZED' }),
  ],
  [
    'a payment of no order',
    'money: one payment an order, as it ended',
    /does not exist/,
    (s) => s.payments.push({ ...at(s.payments, 0), order: 'x' }),
  ],
  [
    'a reservation is missing',
    'stock: one reservation an order, as it ended',
    /has no reservation/,
    (s) => s.reservations.splice(0, 1),
  ],
  [
    'a reservation is doubled',
    'stock: one reservation an order, as it ended',
    /is noted/,
    (s) => s.reservations.push(at(s.reservations, 0)),
  ],
  [
    'stock kept for a cancelled order',
    'stock: one reservation an order, as it ended',
    /RESERVED/,
    (s) => Object.assign(at(s.reservations, 1), { status: 'RESERVED' }),
  ],
  [
    'a piece vanishes',
    'stock: pieces add up',
    /10 pieces before, 9 now/,
    (s) => Object.assign(at(s.stock.after, 0), { onHand: 7 }),
  ],
  [
    'pieces reserved for nobody',
    'stock: pieces add up',
    /orders hold 2/,
    (s) => Object.assign(at(s.stock.after, 0), { onHand: 7, reserved: 3 }),
  ],
  [
    'an e-mail is missing',
    'e-mails: one for each order event, sent',
    /0 e-mails/,
    (s) => s.emails.splice(0, 1),
  ],
  [
    'an e-mail is doubled',
    'e-mails: one for each order event, sent',
    /2 e-mails/,
    (s) => s.emails.push(at(s.emails, 0)),
  ],
  [
    'an e-mail is not sent',
    'e-mails: one for each order event, sent',
    /WAITING/,
    (s) => Object.assign(at(s.emails, 0), { status: 'WAITING' }),
  ],
  [
    'a version is left out',
    'outbox: versions of a key without a gap',
    /versions 1, 3/,
    (s) => Object.assign(at(s.outbox['order-events'], 1), { version: 3 }),
  ],
  [
    'a row without a record',
    'every outbox row is on its topic, unchanged',
    /not on the topic/,
    (s) => s.records['order-events'].splice(1, 1),
  ],
  [
    'a record with other bytes',
    'every outbox row is on its topic, unchanged',
    /other bytes/,
    (s) => Object.assign(at(s.records['order-events'], 0), { value: Buffer.from('x') }),
  ],
  [
    'a record under another key',
    'every outbox row is on its topic, unchanged',
    /has key/,
    (s) => Object.assign(at(s.records['order-events'], 0), { key: Buffer.from('x') }),
  ],
  [
    'a record without a row',
    'every record has its outbox row',
    /no row/,
    (s) => s.records['order-events'].push(recordOf(row('x', 1, 'walpost.orders.OrderCreated', 0), 50)),
  ],
  [
    'a record twice',
    'no record twice on a topic',
    /is at/,
    (s) => s.records['order-events'].push({ ...at(s.records['order-events'], 0), offset: 51n }),
  ],
  [
    'two records of a key change places',
    'topics: order and completeness per key',
    /came as 2, 1/,
    (s) => swap(at(s.records['order-events'], 0), at(s.records['order-events'], 1)),
  ],
  [
    'a key in two partitions',
    'topics: order and completeness per key',
    /in partitions/,
    (s) => Object.assign(at(s.records['order-events'], 0), { partition: 5 }),
  ],
  [
    'a record is cut short',
    'every record reads by its schema',
    /cannot be read/,
    (s) =>
      Object.assign(at(s.records['order-events'], 0), {
        value: at(s.outbox['order-events'], 0).payload.subarray(0, 9),
      }),
  ],
  [
    'an unknown schema',
    'every record reads by its schema',
    /not in the registry/,
    (s) => s.schemas.delete(1),
  ],
  [
    'another magic byte',
    'every record reads by its schema',
    /begins with 9/,
    (s) => Object.assign(at(s.records['order-events'], 0), { value: Buffer.from([9, 0, 0, 0, 1, 2]) }),
  ],
  [
    'an event that a consumer never saw',
    'every consumer has seen every event',
    /payment has not seen/,
    (s) => s.inbox.payment.splice(0, 1),
  ],
  [
    'a consumer takes the second event first',
    'consumers take the events of a key in order',
    /before the one ahead/,
    (s) => Object.assign(at(s.inbox.payment, 0), { at: 9e15 }),
  ],
  [
    'a dead letter without a cause',
    'no dead letter without a cause',
    /order: dead letter 5/,
    (s) => s.deadLetters.order.push({ ...at(s.deadLetters.payment, 0), id: 5, headers: [] }),
  ],
  [
    'a planted record goes unnoticed',
    'every planted record is set aside, and only that',
    /was not set aside/,
    (s) => s.deadLetters.payment.splice(0, 1),
  ],
  [
    'a repetition is set aside',
    'every planted record is set aside, and only that',
    /only a repetition/,
    (s) => Object.assign(at(s.planted, 0), { kind: 'sent-again' }),
  ],
  [
    'a record of an aborted transaction is read',
    'every planted record is set aside, and only that',
    /never committed/,
    (s) => Object.assign(at(s.planted, 0), { kind: 'uncommitted' }),
  ],
  [
    'a record of an aborted transaction is set aside',
    'no dead letter without a cause',
    /payment: dead letter 1/,
    (s) => Object.assign(at(s.planted, 0), { kind: 'uncommitted' }),
  ],
  [
    'a row that nobody can send is taken',
    'what the relay cannot send is refused',
    /2 MB was answered 00000/,
    (s) => Object.assign(at(s.attempts, 0), { answered: '00000' }),
  ],
  [
    'it is refused for another reason',
    'what the relay cannot send is refused',
    /answered 28P01/,
    (s) => Object.assign(at(s.attempts, 0), { answered: '28P01' }),
  ],
  [
    'a service is frozen by its database',
    'a stalled database freezes no service and fills no log',
    /payment: \/health\/live took 100000 ms/,
    (s) => Object.assign(at(s.stalls, 0).slowest, { payment: 100_000 }),
  ],
  [
    'a log is filled',
    'a stalled database freezes no service and fills no log',
    /grew by 57020900 bytes/,
    (s) => Object.assign(at(s.stalls, 0).logged, { order: 57_020_000 }),
  ],
  [
    'an order of a stall comes to nothing',
    'a stalled database freezes no service and fills no log',
    /answered 201 and is CANCELLED/,
    (s) => Object.assign(at(s.stalls, 0), { asks: [at(s.asks, 1)] }),
  ],
];

test.each(damages)('%s: seen', (_what, check, words, damage) => {
  const system = healthy();
  damage(system);
  const found = diagnose(system).get(check) ?? [];
  expect(found.map(({ text }) => text).join('\n')).toMatch(words);
});

test('every check has a damage that it is there for', () => {
  expect(new Set(damages.map(([, check]) => check))).toEqual(new Set(checks.map(({ name }) => name)));
});

test('an event that waited behind a planted record and went on is no dead letter without a cause', () => {
  const system = healthy();
  Object.assign(at(system.planted, 0), { key: CONFIRMED });
  const waited = { ...at(system.deadLetters.payment, 0), id: 2, key: CONFIRMED, headers: [], code: null };
  system.deadLetters.payment.push({ ...waited, state: 'replayed' });
  const look = () => diagnose(system).get('no dead letter without a cause');
  expect(look()).toEqual([]);
  system.deadLetters.payment.push({ ...waited, state: 'parked' });
  expect(look()).toHaveLength(1);
});

test('a record sent again is as it should be after a lost slot', () => {
  const system = healthy();
  system.repeats = true;
  system.records['order-events'].push({ ...at(system.records['order-events'], 0), offset: 51n });
  expect([...diagnose(system).values()].flat()).toEqual([]);
});

function at<T>(list: T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`nothing at ${index}`);
  return found;
}

function swap(a: Damaged['records']['order-events'][number], b: typeof a): void {
  [a.offset, b.offset] = [b.offset, a.offset];
}
