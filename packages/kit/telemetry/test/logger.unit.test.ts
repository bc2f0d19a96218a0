import { Writable } from 'node:stream';
import { expect, jest, test } from '@jest/globals';
import { recordFields } from '../../consumer/log-fields.ts';
import { order } from '../../consumer/test/order-record.ts';
import { createLogger } from '../logger.ts';
import { redact } from '../redact.ts';

/** The lines that were logged, as text. */
function logged(log: (logger: ReturnType<typeof createLogger>) => void): string[] {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  log(createLogger('test', 'debug', sink));
  return lines;
}

test('a line is JSON, and names order, event and trace', () => {
  const received = order('0f6f7c9a', 1);
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  received.message.headers = { ...received.message.headers, traceparent };
  const [line] = logged((logger) => logger.error(recordFields(received), 'a dead letter'));
  expect(JSON.parse(line ?? '')).toMatchObject({
    name: 'test',
    msg: 'a dead letter',
    key: '0f6f7c9a',
    event_id: received.id,
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
  });
});

test('no e-mail address and no secret is in what is written, wherever it is', () => {
  const error = new Error('550 no such user: <ada.lovelace+x@mail.example.org>');
  const lines = logged((logger) => {
    logger.warn({ err: error, row: { recipient: 'bob@example.com' } }, `could not write to ${error.message}`);
    logger.info({ url: 'smtps://mailer:s3cr3t-pa55@mail.example.com:465' });
    logger.info({ options: { password: 'pa"55', SMTP_PASSWORD: 's3cr3t-pa55', apiToken: 'abcdefghij' } });
    logger.info({ req: { headers: { authorization: 'Bearer abcdefghij', cookie: 'sid=abcdefghij' } } });
    logger.info('sent Authorization: Basic YWJjZGVmZ2hpag==');
    logger.child({ customerId: 'carol@example.com' }).info('a child too');
  });
  const text = lines.join('');
  for (const secret of ['lovelace', 'bob@', 'carol@', 's3cr3t', 'pa\\"55', 'abcdefghij', 'YWJjZGVm'])
    expect(text).not.toContain(secret);
  for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  expect(text).toContain('mail.example.com:465');
  expect(text).toContain('[address]');
});

test.each([
  '{"topic":"order-events","place":"order-events/3@17","url":"http://localhost:3000/orders"}',
  '{"name":"@walpost/kit","names":["@walpost/kit","@walpost/schemas"],"path\\\\":"@walpost/x"}',
  '{"msg":"he said \\"hello\\"","@scope":"@walpost/kit"}',
])('what is none stays as it is: %s', (line) => {
  expect(redact(line)).toBe(line);
});

test.each([
  ['at http://user:pa55word@host:1/x', 'at http://[secret]@host:1/x'],
  ['at http://user:p@55word@host/x', 'at http://[secret]@host/x'],
  ['{"url":"http://u:p\\"a55@host"}', '{"url":"http://[secret]@host"}'],
  ['{"msg":"line\\nada@example.org wrote"}', '{"msg":"line\\n[address] wrote"}'],
  ['{"database.password":"pa55","note":"x"}', '{"database.password":"[secret]","note":"x"}'],
  ['/orders?customerId=jane.doe%40example.com&limit=3', '/orders?customerId=[address]&limit=3'],
  ['550 <ada@localhost>', '550 <[address]>'],
  ['550 <"a..b"@example.com> and <"j. doe"@localhost>', '550 <[address]> and <[address]>'],
  ['{"msg":"<\\"a..b\\"@example.com>"}', '{"msg":"<[address]>"}'],
  ['/orders?customerId=%22a..b%22%40example.com&limit=3', '/orders?customerId=[address]&limit=3'],
  ['http://a/b and bob@example.com, carol+x@mail.example.org.', 'http://a/b and [address], [address].'],
])('%s is redacted', (line, redacted) => {
  expect(redact(line)).toBe(redacted);
});

test.each([
  ['hex', '0f'],
  ['at signs', '@'],
  ['almost addresses', 'a@'],
  ['domains without an end', 'a@b.'],
  ['names of secrets', 'password'],
  ['quoted names of secrets', '"password'],
  ['quotes', '"'],
  ['fields', '"a":"'],
  ['almost quoted addresses', '"a"@'],
  ['texts in quotes', `"${'a'.repeat(63)}`],
  ['escaped quotes', '\\"a'],
  ['quotes of an address', '%22'],
  ['schemes', '://'],
  ['users', '://a:b'],
  ['escapes', '\\\\"'],
  ['bearers', 'bearer '],
])('the time for a line of %s grows no faster than the line', (_what, part) => {
  const line = `{"msg":"${part.repeat(160_000 / part.length)}"}`;
  const taken = (work: () => unknown) => {
    const begun = performance.now();
    work();
    return performance.now() - begun;
  };
  // To look at each character by itself is the measure. What goes through the line for each of them takes thousands of it.
  const once = taken(() => line.replace(/./gs, (character) => character));
  expect(taken(() => redact(line))).toBeLessThan(100 * once);
});

test('a line has a bounded length, whatever is logged', () => {
  const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`field${at}`, 'x'.repeat(500)]));
  const deep = Array.from({ length: 100 }).reduce<object>((inner) => ({ inner }), {});
  const lines = logged((logger) => {
    logger.info(
      { wide, deep, text: 'x'.repeat(1_000_000), bytes: Buffer.alloc(1_000_000) },
      'a'.repeat(1_000_000),
    );
    logger.info('%s %s', 'b'.repeat(1_000_000), 'c'.repeat(1_000_000));
    logger.error(new Error('d'.repeat(1_000_000)));
    logger.child({ text: 'e'.repeat(1_000_000) }).info('of a child');
    logger.info({ text: '"\\'.repeat(1_000_000) }, 'escapes');
  });
  expect(lines).toHaveLength(5);
  for (const line of lines) {
    expect(line.length).toBeLessThan(64_100);
    expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number) });
  }
});

test('a failure of a hundred requests is written once, and then counted', () => {
  jest.useFakeTimers();
  try {
    const lines = logged((logger) => {
      const failure = Object.assign(new Error('the statement failed'), { code: '57014' });
      for (let request = 0; request < 100; request++)
        logger.child({ reqId: request }).error({ err: failure, trace_id: `${request}` }, 'not answered');
      logger.error({ err: failure, key: 'a' }, 'not answered');
      logger.error({ err: new Error('another') }, 'not answered');
      logger.error('without an error');
      logger.error('without an error');
      jest.advanceTimersByTime(10_000);
      logger.error({ err: failure }, 'not answered');
    }).map((line) => JSON.parse(line));
    expect(lines.map(({ msg, trace_id, key, count }) => [msg, trace_id ?? key ?? count])).toEqual([
      ['not answered', '0'],
      ['not answered', 'a'],
      ['not answered', undefined],
      ['without an error', undefined],
      ['without an error', undefined],
      ['99 more within 10 s: not answered', 99],
      ['not answered', undefined],
    ]);
  } finally {
    jest.useRealTimers();
  }
});

test('a Postgres that stalls for 30 s at 100 orders/s is worth a few lines', () => {
  jest.useFakeTimers();
  try {
    const lines = logged((logger) => {
      for (let request = 0; request < 3_000; request++) {
        // What a request says that is answered 503, and what the framework says when its statement fails at last.
        logger.error(
          { err: new Error('took too long'), trace_id: `${request}` },
          'The answer took too long.',
        );
        logger.error({ err: new Error('cancelled') }, 'Promise errored, but reply.sent = true was set');
        logger.warn({ err: new Error('already sent') });
        jest.advanceTimersByTime(10);
      }
      jest.advanceTimersByTime(10_000);
    });
    expect(lines.length).toBeLessThan(30);
  } finally {
    jest.useRealTimers();
  }
});

test('kinds of failure without end take no memory and no lines without end', () => {
  const lines = logged((logger) => {
    for (let kind = 0; kind < 5_000; kind++) logger.error({ err: new Error(`${kind}`) }, 'x');
  });
  expect(lines.length).toBeLessThan(600);
});
