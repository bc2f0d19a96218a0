import { openSql, setting } from './clients.ts';
import { openHttpShop } from './http-shop.ts';
import type { Scenario, Stage } from './stage.ts';

const TRIES = 5;
const LATENCY = { payment: 60, inventory: 40, notification: 20 };
const SLOW_PAYMENT = 400;
const ORDER = {
  customerId: 'ada',
  currency: 'EUR',
  items: [{ sku: 'BOOK-1', quantity: 1, unitPrice: 1250 }],
};

/** Calling each other over HTTP, against sharing a topic. */
export const synchronous: Scenario = {
  name: 'synchronous',
  summary:
    'services that call each other: latencies add up, one dead service fails the order; events do neither',
  question: 'An order program calls three others, and one of them is away. What do its customers see?',
  parts: ['postgres', 'kafka', 'registry', 'connect', 'setup', 'services'],
  play,
};

async function play(stage: Stage): Promise<void> {
  const calling = await playCalls(stage);
  await playEvents(stage, calling);
}

/** What the calling order program took, ms. */
interface Calling {
  usual: number;
  slow: number;
}

async function playCalls(stage: Stage): Promise<Calling> {
  const { say, show } = stage;
  const shop = await openHttpShop(stage, LATENCY);
  const median = async (url: string) => medianOf(await post(url));

  say('The calling way: an order program calls payment, inventory and notification over HTTP, then answers.');
  const parts = [];
  for (const { url } of [shop.payment, shop.inventory, shop.notification]) parts.push(await median(url));
  const sum = parts.reduce((one, other) => one + other, 0);
  const usual = await median(shop.url);
  show(
    `latencies add up: ${parts.map(ms).join(' + ')} = ${ms(sum)} in the services, ${ms(usual)} for an order`,
    // A lower bound that holds on any machine: timers are never early by more than a tick each.
    usual >= LATENCY.payment + LATENCY.inventory + LATENCY.notification - 5,
  );

  say(`Payment becomes slow (${SLOW_PAYMENT} ms).`);
  shop.payment.latency = SLOW_PAYMENT;
  const slow = await median(shop.url);
  show(
    `every order waits for it: ${ms(slow)} instead of ${ms(usual)}`,
    slow >= SLOW_PAYMENT - 5 && slow > usual,
  );

  say('Payment is well again; notification dies.');
  shop.payment.latency = LATENCY.payment;
  await shop.notification.close();
  const accepted = (await post(shop.url)).filter(({ status }) => status === 201).length;
  show(`${accepted} of ${TRIES} orders are accepted, though nobody needs an e-mail to buy`, accepted === 0);
  return { usual, slow };
}

async function playEvents(stage: Stage, calling: Calling): Promise<void> {
  const { say, show, stack } = stage;
  const url = `http://127.0.0.1:${setting(stage, 'ORDER_PORT')}/orders`;

  say("The event-driven way: this project's order service writes order and event, and answers.");
  const usual = medianOf(await placeAndEnd(stage, url));
  say(`It answers in ${ms(usual)}; payment, inventory and notification do their part from the topic.`);

  say(`Payment becomes slow (its gateway takes ${SLOW_PAYMENT} ms).`);
  await stack.stop('payment');
  stage.defer(() => stack.start('payment'));
  const [port] = stack.sparePorts;
  await stack.spawn('slow-payment', 'dist/payment/main.js', port ?? 0, {
    PAYMENT_PORT: String(port),
    PAYMENT_GATEWAY_LATENCY_MS: String(SLOW_PAYMENT),
  });
  stage.defer(() => stack.stop('slow-payment'));
  const slow = await placeAndEnd(stage, url);
  const ended = medianOf(slow.map(({ ended: took }) => ({ took })));
  show(
    `the customer does not wait for it: answered in ${ms(medianOf(slow))} (calling: ${ms(calling.slow)}), confirmed after ${ms(ended)}`,
    medianOf(slow) < calling.slow / 2 && medianOf(slow) < ended,
  );

  say('Now notification dies.');
  await stack.stop('notification');
  const answers = await placeAndEnd(stage, url);
  show(`${answers.length} of ${TRIES} orders are accepted and confirmed`, answers.length === TRIES);
  const sql = openSql(stage, 'notifications');
  const ids = answers.map(({ id }) => id);
  const told = async () => {
    const rows = await sql<{ n: number }[]>`
      select count(distinct order_id)::int as n from emails where order_id in ${sql(ids)}`;
    return rows[0]?.n ?? 0;
  };
  const before = await told();
  say(`E-mails written for them so far: ${before}. Notification comes back.`);
  await stack.start('notification');
  const after = await stage.eventually('the e-mails', async () =>
    (await told()) === TRIES ? told() : undefined,
  );
  show(`it catches up by itself: e-mails for ${after} of ${TRIES} orders`, before === 0 && after === TRIES);
}

/** Sends some requests, one after the other. @returns status and time of each, ms */
async function post(url: string): Promise<{ status: number; took: number }[]> {
  const answers = [];
  for (let at = 0; at < TRIES; at += 1) {
    const begun = performance.now();
    const { status } = await fetch(url, { method: 'POST' });
    answers.push({ status, took: performance.now() - begun });
  }
  return answers;
}

/** Places orders, one after the other. @returns how long each took to be answered and to be confirmed, ms */
async function placeAndEnd(
  stage: Stage,
  url: string,
): Promise<{ id: string; took: number; ended: number }[]> {
  const placed = [];
  for (let at = 0; at < TRIES; at += 1) {
    const begun = performance.now();
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(ORDER) });
    const took = performance.now() - begun;
    if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
    const { id } = (await response.json()) as { id: string };
    placed.push({ id, took, begun });
  }
  return Promise.all(
    placed.map(async ({ id, took, begun }) => {
      await stage.eventually(`order ${id} confirmed`, async () => {
        const { status } = (await (await fetch(`${url}/${id}`)).json()) as { status: string };
        return status === 'CONFIRMED' ? true : undefined;
      });
      return { id, took, ended: performance.now() - begun };
    }),
  );
}

function medianOf(answers: readonly { took: number }[]): number {
  const sorted = answers.map(({ took }) => took).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const ms = (value: number) => `${Math.round(value)} ms`;
