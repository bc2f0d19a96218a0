import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually } from 'walpost/testing/support';
import { createMailer, DeliveryError, type Mailer } from '../mailer.ts';
import { HANG_UP, type SmtpServer, type Step, startSmtpServer } from './smtp-server.ts';

const email = {
  recipient: 'alice@example.com',
  subject: 'Your order',
  body: 'Hello',
  messageId: '<1@walpost.local>',
};

let server: SmtpServer;
let mailer: Mailer;
beforeEach(async () => {
  server = await startSmtpServer();
  mailer = createMailer(server.url.replace('//', '//user:password@'), 'orders@walpost.local', 1);
});
afterEach(async () => {
  mailer.close();
  await server.close();
});

/** What becomes of an e-mail: SENT, REFUSED, DEFERRED (tried again less and less often), or AWAY (the server is). */
async function outcome(signal?: AbortSignal): Promise<[string, string]> {
  try {
    const delivery = await mailer.send(email, signal);
    return delivery.status === 'SENT' ? ['SENT', ''] : ['REFUSED', delivery.answer];
  } catch (error) {
    if (!(error instanceof DeliveryError)) throw error;
    return [error.isServerAway ? 'AWAY' : 'DEFERRED', error.message];
  }
}

test.each<[Step, string, string]>([
  // Of the server, or of the session: it says so to every e-mail.
  ['connect', '421 too busy', 'AWAY'],
  ['connect', '554 no service here', 'AWAY'],
  ['EHLO', '421 closing', 'AWAY'],
  ['EHLO', '550 access denied', 'AWAY'],
  ['AUTH', '454 try later', 'AWAY'],
  ['AUTH', '535 5.7.8 wrong password', 'AWAY'],
  ['MAIL', '421 closing', 'AWAY'],
  ['MAIL', '530 5.7.0 log in first', 'AWAY'],
  ['MAIL', '550 unknown sender', 'AWAY'],
  ['MAIL', '553 5.1.8 sender not allowed', 'AWAY'],
  ['RCPT', '421 closing', 'AWAY'],
  ['RCPT', '530 5.7.0 log in first', 'AWAY'],
  ['RCPT', '550 5.1.7 bad sender address', 'DEFERRED'],
  ['RCPT', '553 5.1.8 sender domain not found', 'DEFERRED'],
  ['RCPT', '554 5.7.0 no mail from you', 'DEFERRED'],
  ['RCPT', '550 5.7.1 relaying denied', 'DEFERRED'],
  ['RCPT', '550-5.7.1 relaying denied\r\n550 5.7.1 log in first', 'DEFERRED'],
  ['RCPT', '550 5.7.23 SPF validation failed', 'DEFERRED'],
  ['RCPT', '550 5.7.25 no reverse name', 'DEFERRED'],
  ['RCPT', '550 5.7.27 sender takes no mail', 'DEFERRED'],
  ['RCPT', '503 bad sequence', 'DEFERRED'],
  ['DATA', '421 closing', 'AWAY'],
  ['text', '421 closing', 'AWAY'],
  // Of this e-mail, for now.
  ['MAIL', '451 local error', 'DEFERRED'],
  ['MAIL', '452 no room', 'DEFERRED'],
  ['RCPT', '450 greylisted', 'DEFERRED'],
  ['RCPT', '450 4.7.1 greylisted', 'DEFERRED'],
  ['RCPT', '452 4.2.2 mailbox full', 'DEFERRED'],
  ['DATA', '451 local error', 'DEFERRED'],
  ['text', '451 4.7.1 try later', 'DEFERRED'],
  // Of this e-mail, for good.
  ['MAIL', '552 5.3.4 too large', 'REFUSED'],
  ['RCPT', '501 5.1.3 bad address', 'REFUSED'],
  ['RCPT', '521 takes no mail', 'REFUSED'],
  ['RCPT', '550 5.1.1 no such user', 'REFUSED'],
  ['RCPT', '550 5.1.10 recipient takes no mail', 'REFUSED'],
  ['RCPT', '550 5.7.10 encrypt it', 'REFUSED'],
  ['RCPT', '550 no such user 5.7.1', 'REFUSED'],
  ['RCPT', '551 user not local', 'REFUSED'],
  ['RCPT', '552 5.2.2 mailbox full', 'REFUSED'],
  ['RCPT', '553 5.1.3 not allowed', 'REFUSED'],
  ['DATA', '554 no valid recipients', 'REFUSED'],
  ['text', '550 5.7.1 looks like spam', 'REFUSED'],
  ['text', '552 too large', 'REFUSED'],
  ['text', '554 5.6.0 transaction failed', 'REFUSED'],
  ['text', '571 5.7.1 policy', 'REFUSED'],
  // No answer at all.
  ['connect', HANG_UP, 'AWAY'],
  ['EHLO', HANG_UP, 'AWAY'],
  ['MAIL', HANG_UP, 'AWAY'],
  ['RCPT', HANG_UP, 'AWAY'],
  ['DATA', HANG_UP, 'AWAY'],
  ['text', HANG_UP, 'DEFERRED'],
])('%s answered with "%s": the e-mail is %s, and goes out when that is over', async (step, line, what) => {
  server.answer(step, line);
  // An EHLO that is not understood is asked again as HELO.
  if (step === 'EHLO') server.answer('HELO' as Step, line);
  const [status, text] = await outcome();
  expect(status).toBe(what);
  if (line === HANG_UP) expect(text.includes('may have taken it')).toBe(step === 'text');
  else for (const each of line.split('\r\n')) expect(text).toContain(each);
  expect(server.messages).toHaveLength(line === HANG_UP && step === 'text' ? 1 : 0);

  server.answer(step, undefined);
  if (step === 'EHLO') server.answer('HELO' as Step, '250 fine');
  // A connection that has just been closed may be the next one's.
  await eventually(async () => ((await outcome())[0] === 'SENT' ? true : undefined));
});

test.each(['Alice@example.com', '"a..b"@example.com', '".a"@example.com', '"a \\"b\\\\ c@d"@example.com'])(
  'an answer about %s is kept without the address, and no longer than anybody reads',
  async (address) => {
    server.answer('RCPT', `550 5.1.1 <${address}>: \0${'unknown '.repeat(1000)}`);
    const [status, text] = await outcome();
    expect(status).toBe('REFUSED');
    expect(text).toContain('550 5.1.1 <[e-mail]>: \uFFFDunknown');
    expect(text.length).toBeLessThanOrEqual(500);
  },
);

test.each<[Step, boolean]>([
  ['connect', false],
  ['EHLO', false],
  ['MAIL', false],
  ['DATA', false],
  ['text', true],
])(
  'a delivery that waits for the answer to %s ends with its signal, and its connection with it',
  async (step, mayHaveIt) => {
    const stop = new AbortController();
    let answer: () => void = () => undefined;
    server.answer(step, () => {
      answer();
      return '';
    });
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    // An answer that is no answer yet: the client reads on.
    const sending = outcome(stop.signal);
    await asked;
    stop.abort(new Error('no time left'));
    const [status, text] = await sending;
    expect(status).toBe(mayHaveIt ? 'DEFERRED' : 'AWAY');
    expect(text).toBe(`no time left${mayHaveIt ? '; the server may have taken it all the same' : ''}`);
    await eventually(async () => (server.connections() === 0 ? true : undefined));
    expect(server.messages).toEqual([]);
  },
);
