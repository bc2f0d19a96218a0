import { afterAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { findChromium, openBrowser, seriousViolations, shoot } from 'walpost/testing/browser';
import { call, connectTo, eventually, placeOrder, SAMPLE_ORDER, setting } from 'walpost/testing/support';
import { testStack } from 'walpost/testing/test-stack';
import { stack } from './stack.ts';

const chromium = findChromium(process.env);
if (!chromium) {
  console.warn(
    'No Chromium here: the console is not tested in a browser. Install one, or set CHROMIUM to it.',
  );
}
const inBrowser = chromium ? test : test.skip;

/** What a wait for the page gives up after, ms: it ends a test that would hang, and measures nobody’s speed. */
const TIMEOUT_MS = 120_000;

let browser: Browser;
let page: Page;
const errors: string[] = [];

afterAll(() => browser?.close());

async function open(options: Parameters<Browser['newPage']>[0], path = ''): Promise<Page> {
  // What moves is drawn without a graphics card here, and takes the core that the stack needs.
  const opened = await browser.newPage({ reducedMotion: 'reduce', ...options });
  opened.setDefaultTimeout(TIMEOUT_MS);
  opened.on('pageerror', (error) => errors.push(String(error)));
  opened.on('console', (message) => {
    // A refused request is shown on the page; the browser notes it here too.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      errors.push(message.text());
  });
  const { CONSOLE_PORT: port, CONSOLE_TOKEN: token } = stack.env;
  await opened.goto(`http://127.0.0.1:${port}/${path || `#token=${token}`}`);
  return opened;
}

const status = (text: string | RegExp) => page.getByRole('status').filter({ hasText: text }).waitFor();
const behind = (group: string) =>
  page.locator('#consumers tr').filter({ hasText: group }).first().locator('> td').nth(1).textContent();

inBrowser('a healthy flow: orders are placed at a rate, and everything moves', async () => {
  browser = await openBrowser(String(chromium));
  page = await open({ viewport: { width: 1360, height: 900 } });
  expect(page.url()).not.toContain('token');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByText(/^Sending 5 a second/).waitFor();
  await page.getByRole('img', { name: /Order API: [3-9]\.\d orders\/s/ }).waitFor();
  await status('All healthy');
  expect(await page.locator('.flow .stream').count()).toBeGreaterThan(8);
  await shoot(page, 'healthy');
  await shoot(page, 'healthy-flow', '#flow');
});

inBrowser('dark, and as wide as a phone', async () => {
  const dark = await open({ viewport: { width: 1360, height: 900 }, colorScheme: 'dark' });
  await dark.getByText('payment-service').first().waitFor();
  await dark.locator('.flow .stream').first().waitFor({ state: 'attached' });
  await shoot(dark, 'dark');

  const phone = await open({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 });
  await phone.locator('.flow .stream').first().waitFor({ state: 'attached' });
  const overflow = await phone.evaluate('document.documentElement.scrollWidth - innerWidth');
  expect(overflow).toBe(0);
  await shoot(phone, 'phone');
  // What follows reads pages, which takes long beside orders that come in.
  await page.getByRole('button', { name: 'Stop' }).first().click();
  for (const each of [page, dark, phone]) expect(await seriousViolations(each)).toEqual([]);
  for (const each of [dark, phone]) await each.close();
});

inBrowser('the timeline of one order, by the list and by keyboard', async () => {
  const { id } = await placeOrder(stack.env);
  await page.getByRole('link', { name: id }).first().click();
  await page.getByText('Finished: everything').waitFor();
  expect(await page.locator('.steps li').count()).toBeGreaterThan(15);
  expect(await seriousViolations(page)).toEqual([]);
  await shoot(page, 'order-timeline', '#key');
  await page.getByRole('link', { name: 'Consumers' }).click();
  await page.getByText('Finished: everything').waitFor();

  const key = page.getByRole('searchbox', { name: 'Key' });
  await key.fill('parcel 42/7');
  await page.keyboard.press('Enter');
  await page.getByText('Nobody knows this key').waitFor();
  expect(page.url()).toMatch(/#key=parcel%2042%2F7$/);
  await key.fill('x'.repeat(1_001));
  await page.keyboard.press('Enter');
  await page.locator('#key .error').filter({ hasText: 'characters' }).waitFor();
  // The former name, of links that somebody has kept.
  await page.evaluate(`location.hash = 'order=${id}'`);
  await page.getByText('Finished: everything').waitFor();
});

// The steps of a person who has never seen the system, with the page alone: what the page says first names the order;
// one click on it says what keeps the order and which command helps.
inBrowser('why is my order stuck? The page alone shows it: a service that is not running', async () => {
  await stack.stop('payment');
  const { id } = await placeOrder(stack.env);
  const placed = performance.now();
  await status(/\d issues?/);
  await page.getByText('it is not running').first().waitFor();
  await page.locator('#key').getByRole('link', { name: id }).first().click();
  const timeline = page.locator('.timeline');
  await timeline.getByText('Stuck').waitFor();
  await timeline.getByText('payment-service is not running, its group has no member').waitFor();
  await timeline.getByText('npx walpost groups describe payment-service').waitFor();
  const took = (performance.now() - placed) / 1000;
  console.log(`why is my order stuck: the page said it ${took.toFixed(1)} s after the order, and one click`);
  await shoot(page, 'stuck-order', '#key');

  await page.getByRole('button', { name: /Start|Change/ }).click();
  await eventually(async () => (Number(await behind('payment-service')) >= 20 ? true : undefined));
  await page.getByRole('button', { name: 'Stop' }).first().click();
  await page
    .locator('#consumers details')
    .nth(1)
    .evaluate((details) => details.setAttribute('open', ''));
  expect(await seriousViolations(page)).toEqual([]);
  await shoot(page, 'lagging-group');

  await stack.start('payment');
  await status('All healthy').catch(async () => status('All healthy'));
  await timeline.getByText('Finished: everything').waitFor();
});

inBrowser('a dead letter: shown, replayed in vain, fixed, replayed; and one that is discarded', async () => {
  const sql = connectTo(stack.env, 'payments');
  await sql`alter table payments add constraint broken check (customer_id <> 'poison') not valid`;
  const { id } = await placeOrder(stack.env, { ...SAMPLE_ORDER, customerId: 'poison' });
  await status(/\d issues?/);
  await page.getByText('1 dead letter waits for a person').first().waitFor();
  await page.locator('#key').getByRole('link', { name: id }).first().click();
  await page
    .locator('.timeline')
    .getByText(/OrderCreated is dead letter \d+/)
    .first()
    .waitFor();
  expect(await seriousViolations(page)).toEqual([]);
  await shoot(page, 'dead-letter');

  await page.getByRole('button', { name: /^Replay dead letter/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Replay dead letter').waitFor();
  expect(await seriousViolations(page)).toEqual([]);
  await shoot(page, 'replay-question');
  await dialog.getByRole('button', { name: 'Replay' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'broken' }).waitFor();
  await sql`alter table payments drop constraint broken`;
  await dialog.getByRole('button', { name: 'Replay' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByText('No dead letters').waitFor();

  await sql`alter table payments add constraint broken check (customer_id <> 'poison') not valid`;
  const { id: unanswered } = await placeOrder(stack.env, { ...SAMPLE_ORDER, customerId: 'poison' });
  await page.getByRole('button', { name: /^Discard dead letter/ }).click();
  await page.getByLabel('Why?').fill('a test of discarding');
  await dialog.getByRole('button', { name: 'Discard' }).click();
  await page.getByText('No dead letters').waitFor();
  const [deadLetter] = await sql`select discard_reason from dead_letters where state = 'discarded'`;
  expect(deadLetter).toEqual({ discard_reason: 'a test of discarding' });
  await sql`alter table payments drop constraint broken`;
  // Payment will never answer it: it would be pending until its answers are overdue.
  expect((await call(stack.env, `/orders/${unanswered}/cancel`, { method: 'POST' })).status).toBe(200);
  await sql.end();
});

inBrowser('without the token it asks for it, and a wrong one is refused', async () => {
  const visitor = await open({ viewport: { width: 1000, height: 800 } }, '?visitor');
  await visitor.getByRole('button', { name: 'Start' }).click();
  const dialog = visitor.getByRole('dialog');
  await dialog.getByLabel('Token').fill('not the token');
  await dialog.getByRole('button', { name: 'Unlock' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'CONSOLE_TOKEN' }).waitFor();
  await shoot(visitor, 'token');
  await dialog.getByLabel('Token').fill(setting(stack.env, 'CONSOLE_TOKEN'));
  await dialog.getByRole('button', { name: 'Unlock' }).click();
  await visitor.getByText(/^Sending 5 a second/).waitFor();
  await visitor.getByRole('button', { name: 'Stop' }).first().click();
  await visitor.close();
});

inBrowser('from each concept to where it is seen', async () => {
  const links = page.locator('#concepts a');
  const targets = await links.evaluateAll((all) => all.map((each) => each.getAttribute('href') ?? ''));
  expect(targets.length).toBeGreaterThan(0);
  for (const target of new Set(targets)) await page.locator(`section${target}`).waitFor();
});

inBrowser('with Connect and Kafka away, the page says so in their place, and goes on', async () => {
  await page.evaluate('location.hash = ""');
  await stack.stop('connect');
  await page
    .locator('#relays')
    .getByText(/Kafka Connect at .* does not answer/)
    .waitFor();
  await stack.stop('kafka');
  await page.locator('#consumers').getByText('not known').waitFor();
  const { id } = await placeOrder(stack.env);
  await page.locator('#key').getByRole('link', { name: id }).first().waitFor();
  await shoot(page, 'kafka-away');
  expect(errors).toEqual([]);
  await browser.close();
});

test('a console that cannot start leaves the rest running', async () => {
  const said: string[] = [];
  const report = { parts: () => undefined, state: () => undefined, line: (text: string) => said.push(text) };
  const settings = { CONSOLE_TOKEN: 'short' };
  const rest = await testStack(['postgres', 'migrate-order', 'console'], { report, settings });
  try {
    expect(said.join('\n')).toMatch(
      /^Going on without the console: [\s\S]*CONSOLE_TOKEN must NOT have fewer/,
    );
    const sql = connectTo(rest.env, 'orders');
    expect(await sql`select from orders`).toHaveLength(0);
    await sql.end();
  } finally {
    await rest.close();
  }
});
