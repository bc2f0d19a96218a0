import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { recordFields } from '../log-fields.js';
import { createLogger, redact } from '../logger.js';
import { order } from './order-record.js';

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
    order_id: '0f6f7c9a',
    event_id: received.id,
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
  });
});

test('no e-mail address and no secret is in what is written, wherever it stands', () => {
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
  expect(text).toContain('[e-mail]');
});

test('what is none stays as it is, and a long line costs little', () => {
  const line = '{"topic":"order-events","place":"order-events/3@17","url":"http://localhost:3000/orders"}';
  expect(redact(line)).toBe(line);
  const begun = performance.now();
  redact(`{"msg":"${'a'.repeat(200_000)}"}`);
  expect(performance.now() - begun).toBeLessThan(1_000);
});
