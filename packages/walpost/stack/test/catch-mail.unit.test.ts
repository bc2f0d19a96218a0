import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../../testing/eventually.ts';
import { type PortBlock, reservePorts } from '../../testing/reserve-ports.ts';
import { root } from '../paths.ts';

let folder: string;
let block: PortBlock;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'walpost-mail-'));
  block = await reservePorts();
});
afterEach(async () => {
  block.release();
  await rm(folder, { recursive: true });
});

/** Hands over e-mails with the subjects 1 to `count`, one after the other (RFC 5321). */
async function send(port: number, count: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  const answers = createInterface({ input: socket })[Symbol.asyncIterator]();
  const say = async (line: string, expected: RegExp) => {
    if (line !== '') socket.write(`${line}\r\n`);
    let answer: string;
    // "250-" goes on, "250 " is the last line of an answer.
    do answer = (await answers.next()).value ?? '';
    while (/^\d{3}-/.test(answer));
    expect(answer).toMatch(expected);
  };
  await say('', /^220 /);
  await say('EHLO test', /^250 /);
  for (let each = 1; each <= count; each++) {
    await say('MAIL FROM:<a@example.com>', /^250 /);
    await say('RCPT TO:<b@example.com>', /^250 /);
    await say('DATA', /^354 /);
    await say(`Subject: ${each}\r\n\r\ntext\r\n.`, /^250 /);
  }
  socket.end();
}

/** Runs the program until the work with its ports is done. */
async function withMailDev(work: (smtp: number, web: number) => Promise<void>): Promise<void> {
  const [smtp = 0, web = 0] = block.ports;
  const args = [`--smtp=${smtp}`, `--web=${web}`, '--ip=127.0.0.1', '--web-ip=127.0.0.1'];
  const program = join(root, 'dist/stack/catch-mail.js');
  const child = spawn(process.execPath, [program, ...args, `--mail-directory=${folder}`], {
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    await eventually(async () => (await fetch(`http://127.0.0.1:${web}/healthz`)).ok || undefined);
    await work(smtp, web);
  } finally {
    child.kill();
    await ended;
  }
}

test('of more e-mails than are kept, the last 1,000 are there, on the page and on the disk', () =>
  withMailDev(async (smtp, web) => {
    await send(smtp, 1_020);
    // It answers before it has read an e-mail to its end.
    const shown = await eventually(async () => {
      const emails = (await (await fetch(`http://127.0.0.1:${web}/email`)).json()) as { subject: string }[];
      return emails.at(-1)?.subject === '1020' ? emails : undefined;
    });
    expect(shown.map(({ subject }) => subject)).toEqual(
      Array.from({ length: 1_000 }, (_, at) => `${at + 21}`),
    );
    await eventually(async () => (await readdir(folder)).length === 1_000 || undefined);
  }));

/** Asks with these headers, which fetch would not send. @returns the status */
function ask(port: number, method: string, path: string, headers: OutgoingHttpHeaders) {
  return new Promise<number | undefined>((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
    const report = (answer: IncomingMessage) => {
      resolve(answer.statusCode);
      asked.destroy();
    };
    asked.on('response', report).on('upgrade', report).on('error', reject).end();
  });
}

test('only pages of its own read and delete e-mails', () =>
  withMailDev(async (_smtp, web) => {
    const upgrade = {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'MTIzNDU2Nzg5MDEyMzQ1Ng==',
    };
    const own = `http://localhost:${web}`;
    const socket = '/socket.io/?EIO=4&transport=websocket';
    const polling = '/socket.io/?EIO=4&transport=polling';
    // What is asked, from which host, as the page of which origin, and what comes of it.
    const table: [string, string, OutgoingHttpHeaders, string, string | undefined, number][] = [
      ['GET', '/email', {}, `localhost:${web}`, undefined, 200],
      ['GET', '/email', {}, `LOCALHOST:${web}`, own, 200],
      ['GET', '/', {}, `127.0.0.1:${web}`, undefined, 200],
      ['DELETE', '/email/all', {}, `[::1]:${web}`, `http://[::1]:${web}`, 200],
      ['GET', socket, upgrade, `localhost:${web}`, own, 101],
      ['GET', polling, {}, `localhost:${web}`, own, 200],
      ['GET', '/email', {}, `evil.example:${web}`, undefined, 403],
      ['GET', '/', {}, 'localhost.evil.example', undefined, 403],
      ['GET', '/email', {}, 'localhost:port', undefined, 403],
      ['GET', '/email', {}, `localhost:${web}`, 'https://evil.example', 403],
      ['GET', '/email', {}, `localhost:${web}`, 'null', 403],
      ['GET', '/email', {}, `localhost:${web}`, 'http://localhost:1', 403],
      ['GET', '/email', {}, `evil.example:${web}`, `http://evil.example:${web}`, 403],
      ['OPTIONS', '/email/all', {}, `localhost:${web}`, 'https://evil.example', 403],
      ['DELETE', '/email/all', {}, `localhost:${web}`, 'https://evil.example', 403],
      ['GET', socket, upgrade, `localhost:${web}`, 'https://evil.example', 403],
      ['GET', polling, {}, `localhost:${web}`, 'https://evil.example', 403],
    ];
    for (const [method, path, more, host, origin, status] of table) {
      const answer = await ask(web, method, path, { ...more, host, ...(origin && { origin }) });
      expect([method, path, host, origin, answer]).toEqual([method, path, host, origin, status]);
    }
  }));
