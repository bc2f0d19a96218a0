import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { handleBatch } from '@walpost/kit/consumer/handle-batch';
import type { Received } from '@walpost/kit/consumer/receive';
import type { DomainEvent } from '@walpost/kit/contract/contract';
import { readBacklog } from '@walpost/kit/service/backlog';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { received } from 'walpost/testing/received';
import { eventually } from 'walpost/testing/support';
import { declaredColumns, migratedColumns } from 'walpost/testing/table-columns';
import { openTestDatabase, type TestDatabase } from '../../../tests/stack/database.ts';
import { buildApp } from '../app.ts';
import { claimEmails } from '../claim-emails.ts';
import { createMailer, DeliveryError, type Mailer } from '../mailer.ts';
import { onOrderEvent } from '../on-order-event.ts';
import { recordEmailOutcomes } from '../record-email-outcomes.ts';
import { renewEmails } from '../renew-emails.ts';
import { startSender } from '../start-sender.ts';
import { type EmailRow, emails } from '../tables.ts';
import { startSmtpServer } from './smtp-server.ts';

const logger = createLogger('test', 'silent');
const clock = () => new Date();
const on = onOrderEvent(clock);
const LEASE = 30_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase('notifications');
});
afterAll(() => database.close());
beforeEach(() => database.admin`truncate emails, inbox`);

const order = (orderId: string) => ({ orderId, customerId: 'alice', currency: 'EUR', totalAmount: 1250 });
const created = (orderId: string): DomainEvent => ({
  type: 'OrderCreated',
  data: { ...order(orderId), items: [{ sku: 'BOOK-1', quantity: 1, unitPrice: 1250 }], createdAt: 0 },
});
const confirmed = (orderId: string): DomainEvent => ({
  type: 'OrderConfirmed',
  data: { ...order(orderId), confirmedAt: 0 },
});
const cancelled = (orderId: string): DomainEvent => ({
  type: 'OrderCancelled',
  data: { ...order(orderId), reason: 'because', cancelledAt: 0 },
});
const handle = (...events: Received[]) => handleBatch(database.db, on, events);
/** As `walpost retry` asks, with the rights of the service. */
const refused = async (key: string | null) => [
  ...(await database.db.execute(sql`select key, what, attempts, at, answer from refused(${key})`)),
];
const retry = async (key: string | null) => {
  const [row] = await database.db.execute(sql`select retry_refused(${key})::int as count`);
  return row?.['count'];
};
const rows = () => database.db.select().from(emails).orderBy(emails.id);

/** Runs a sender, woken again and again, until the e-mails are as wanted. */
async function send(
  mailer: Pick<Mailer, 'send'>,
  until: (all: EmailRow[]) => boolean,
  options: { lease?: number; clock?: () => Date } = {},
): Promise<EmailRow[]> {
  const sender = startSender({ db: database.db, mailer, clock, logger, ...options });
  try {
    return await eventually(async () => {
      sender.wake();
      const all = await rows();
      return until(all) ? all : undefined;
    });
  } finally {
    await sender.close();
  }
}
const allSent = (all: EmailRow[]) => all.every(({ status }) => status === 'SENT');

test('an e-mail whose time was written by a clock that was days ahead is not forgotten', async () => {
  await handle(received(created(uuidv7())));
  await database.admin`update emails set next_attempt_at = now() + interval '15 days'`;
  await send({ send: async () => ({ status: 'SENT' }) }, allSent);
});

test('the table is what the migration made', async () => {
  expect(await migratedColumns(database.admin, emails)).toEqual(declaredColumns(emails));
});

test('every order event makes one e-mail, also when it comes twice', async () => {
  const orderId = uuidv7();
  const events = [created(orderId), confirmed(orderId), cancelled(orderId)].map((each, n) =>
    received(each, n + 1),
  );
  await handle(...events, ...events);
  await handle(...events);
  const all = await rows();
  expect(all.map(({ kind, status, attempts }) => [kind, status, attempts])).toEqual([
    ['order-received', 'WAITING', 0],
    ['order-confirmed', 'WAITING', 0],
    ['order-cancelled', 'WAITING', 0],
  ]);
  expect(all.map(({ messageId }) => messageId)).toEqual(events.map(({ id }) => `<${id}@walpost.local>`));
});

test('waiting e-mails are sent once each, with a stable Message-ID, by several senders', async () => {
  const server = await startSmtpServer();
  const mailer = createMailer(server.url, 'orders@walpost.local', 5);
  await handle(...Array.from({ length: 30 }, () => received(created(uuidv7()))));
  const second = startSender({ db: database.openAnother().db, mailer, clock, logger });
  const all = await send(mailer, allSent);
  await second.close();
  mailer.close();
  await server.close();

  expect(server.messages).toHaveLength(30);
  const ids = server.messages.map((text) => /^Message-ID: (.*)$/im.exec(text)?.[1]);
  expect(ids.sort()).toEqual(all.map(({ messageId }) => messageId).sort());
  expect(server.messages[0]).toMatch(/^To: alice@example.com$/m);
  expect(server.messages[0]).toMatch(/^Subject: We have received your order$/m);
  expect(all.every(({ sentAt, nextAttemptAt, lastError }) => sentAt && !nextAttemptAt && !lastError)).toBe(
    true,
  );
});

test('no mail server: the e-mail waits with the error, and is sent when there is one', async () => {
  const first = await startSmtpServer();
  const port = Number(new URL(first.url).port);
  await first.close();
  const mailer = createMailer(first.url, 'orders@walpost.local', 1);
  await handle(received(created(uuidv7())));
  const [waiting] = await send(mailer, ([row]) => row?.lastError !== null);
  expect(waiting).toMatchObject({ status: 'WAITING' });
  expect(waiting?.lastError).toContain('ECONNREFUSED');
  expect(waiting?.nextAttemptAt?.getTime()).toBeGreaterThan(Date.now() - 1000);

  const again = await startSmtpServer(port);
  const [sent] = await send(mailer, allSent);
  expect(sent?.attempts).toBeGreaterThanOrEqual(2);
  expect(again.messages).toHaveLength(1);
  mailer.close();
  await again.close();
});

test('an e-mail that the server refuses for now is tried again', async () => {
  const server = await startSmtpServer();
  server.answer('text', '451 greylisted, try later');
  const mailer = createMailer(server.url, 'orders@walpost.local', 1);
  await handle(received(created(uuidv7())));
  const [waiting] = await send(mailer, ([row]) => row?.lastError !== null);
  expect(waiting?.lastError).toContain('451 greylisted');
  server.answer('text', undefined);
  await send(mailer, allSent);
  expect(server.messages).toHaveLength(1);
  mailer.close();
  await server.close();
});

test('a sender that dies after sending: the e-mail is sent again after the lease, with the same Message-ID', async () => {
  await handle(received(created(uuidv7())));
  const now = new Date();
  const [first] = await claimEmails(database.db, 10, LEASE, now);
  expect(await claimEmails(database.db, 10, LEASE, new Date(now.getTime() + LEASE - 1))).toEqual([]);
  const later = new Date(now.getTime() + LEASE);
  const [again] = await claimEmails(database.db, 10, LEASE, later);
  expect(again).toMatchObject({ id: first?.id, messageId: first?.messageId, attempts: 2 });
  if (!first || !again) throw new Error('nothing claimed');

  // The late failure of the first does not touch the lease of the second; its late success would count.
  await recordEmailOutcomes(database.db, [{ item: first, error: new Error('late'), retryIn: 0 }], later);
  expect(await claimEmails(database.db, 10, LEASE, later)).toEqual([]);
  await recordEmailOutcomes(database.db, [{ item: first, result: { status: 'SENT' } }], later);
  await recordEmailOutcomes(
    database.db,
    [{ item: again, error: new Error('later still'), retryIn: 0 }],
    later,
  );
  expect(await rows()).toMatchObject([{ status: 'SENT', lastError: null, nextAttemptAt: null }]);
});

test('a server that takes longer than a lease for an e-mail gets one copy, and it is SENT', async () => {
  const server = await startSmtpServer();
  const mailer = createMailer(server.url, 'orders@walpost.local', 2);
  await handle(received(created(uuidv7())));
  // Six answers, from the greeting to the last, take longer than a lease.
  server.slow(2_000);
  const second = startSender({ db: database.openAnother().db, mailer, clock, logger, lease: 10_000 });
  const [sent] = await send(mailer, allSent, { lease: 10_000 });
  await second.close();
  expect(sent).toMatchObject({ status: 'SENT', attempts: 1, lastError: null });
  expect(server.messages).toHaveLength(1);
  mailer.close();
  await server.close();
});

test('an e-mail that the server refuses for good is REFUSED with the answer, and holds back no other', async () => {
  const server = await startSmtpServer();
  server.answer('RCPT', (command) => (command.includes('nobody') ? '550 5.1.1 no such user' : undefined));
  const mailer = createMailer(server.url, 'orders@walpost.local', 2);
  const [bad, good] = [uuidv7(), uuidv7()];
  const event = created(bad);
  await handle(
    received({ ...event, data: { ...event.data, customerId: 'nobody' } } as DomainEvent),
    received(created(good)),
  );
  const recorded = (all: EmailRow[]) => all.every(({ status }) => status !== 'WAITING');
  const all = await send(mailer, recorded);
  const byOrder = new Map(all.map((row) => [row.orderId, row]));
  expect(byOrder.get(good)).toMatchObject({ status: 'SENT' });
  expect(byOrder.get(bad)).toMatchObject({
    status: 'REFUSED',
    attempts: 1,
    nextAttemptAt: null,
    sentAt: null,
  });
  expect(byOrder.get(bad)?.lastError).toContain('550 5.1.1 no such user');
  expect(await readBacklog(database.db)).toEqual({ count: 0, oldest: null, refused: 1 });
  expect(await claimEmails(database.db, 10, LEASE, new Date(Date.now() + 86_400_000))).toEqual([]);

  server.answer('RCPT', undefined);
  for (const key of [good, 'parcel 7', '']) {
    expect(await refused(key)).toEqual([]);
    expect(await retry(key)).toBe(0);
  }
  const answer = expect.stringContaining('550 5.1.1 no such user');
  const known = { key: bad, what: 'order-received', attempts: 1, at: expect.anything(), answer };
  expect(await refused(bad)).toEqual([known]);
  expect(await refused(null)).toEqual([known]);
  expect(await retry(bad)).toBe(1);
  expect(await refused(null)).toEqual([]);
  await send(mailer, allSent);
  expect(server.messages).toHaveLength(2);
  mailer.close();
  await server.close();
});

test.each([
  ['puts it off', 'REFUSED', false],
  ['is away', 'WAITING', true],
])('when the mail server %s for five days, the e-mail is %s', async (answer, status, isServerAway) => {
  await handle(received(created(uuidv7())));
  const begun = Date.now();
  /** Has it tried once, some days after the first time. */
  const tryAfter = async (days: number) => {
    const [before] = await rows();
    const now = new Date(begun + days * 86_400_000);
    const mailer = { send: () => Promise.reject(new DeliveryError(`${answer} ${days}`, isServerAway)) };
    const tried = (all: EmailRow[]) => all[0]?.lastError !== before?.lastError;
    const [after] = await send(mailer, tried, { clock: () => now });
    return after;
  };
  await tryAfter(1);
  expect(await tryAfter(5.9)).toMatchObject({ status: 'WAITING', attempts: 2 });
  expect(await tryAfter(6)).toMatchObject({ status, lastError: `${answer} 6`, attempts: 3 });
  expect(await readBacklog(database.db)).toMatchObject({ refused: isServerAway ? 0 : 1 });

  // Tried again by a person, it has five days more; a server that was away has put nothing off.
  expect(await retry(null)).toBe(isServerAway ? 0 : 1);
  expect(await tryAfter(7)).toMatchObject({ status: 'WAITING', lastError: `${answer} 7` });
});

test.each([
  ['that are tried again', 1, 0],
  ['that are new', 0, 1],
])('ten thousand e-mails %s do not crowd out the others', async (_what, attempts, others) => {
  const insert = (count: number, tried: number, before: string) => database.admin`
    insert into emails (id, order_id, customer_id, kind, recipient, subject, body, message_id, status, attempts,
      next_attempt_at, created_at)
    select id, id, 'a', 'order-received', 'a@example.com', '', '', id, 'WAITING', ${tried},
      now() - ${before}::interval, now() from (select gen_random_uuid() as id from generate_series(1, ${count})) as new`;
  await insert(10_000, attempts, '1 hour');
  await insert(3, others, '1 second');
  const claimed = await claimEmails(database.db, 10, LEASE, new Date(Date.now() + 1_000));
  expect(claimed).toHaveLength(10);
  expect(claimed.filter((row) => row.attempts - 1 === others)).toHaveLength(3);
});

test('a lease is renewed for as long as nobody else has the e-mail', async () => {
  await handle(received(created(uuidv7())), received(created(uuidv7())));
  const now = new Date();
  const after = (milliseconds: number) => new Date(now.getTime() + milliseconds);
  const held = await claimEmails(database.db, 10, LEASE, now);
  expect(await renewEmails(database.db, held, LEASE, after(LEASE / 2))).toHaveLength(2);
  expect(await claimEmails(database.db, 10, LEASE, after(LEASE))).toEqual([]);
  const [again] = await claimEmails(database.db, 1, LEASE, after(2 * LEASE));
  const renewed = await renewEmails(database.db, held, LEASE, after(2 * LEASE));
  expect(renewed.map(({ id }) => id)).toEqual(held.map(({ id }) => id).filter((id) => id !== again?.id));
});

test('GET /emails lists those of an order, and wants an order id', async () => {
  const orderId = uuidv7();
  await handle(received(created(orderId)), received(created(uuidv7())), received(confirmed(orderId), 2));
  const app = await buildApp({ db: database.db, logger, readiness: {} });
  expect((await app.inject(`/emails?orderId=${orderId}`)).json()).toMatchObject({
    emails: [
      { orderId, kind: 'order-received', status: 'WAITING', attempts: 0 },
      { orderId, kind: 'order-confirmed' },
    ],
  });
  expect((await app.inject('/emails')).statusCode).toBe(400);
  expect((await app.inject('/emails?orderId=nonsense')).statusCode).toBe(400);
  await app.close();
});
