import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../../../tests/support.js';
import { nativeDir } from '../paths.js';
import { type PortBlock, reservePorts } from '../reserve-ports.js';

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

test('of more e-mails than are kept, the last 1,000 are there, on the page and on the disk', async () => {
  const [smtp = 0, web = 0] = block.ports;
  const args = [`--smtp=${smtp}`, `--web=${web}`, '--ip=127.0.0.1', '--web-ip=127.0.0.1'];
  const program = join(nativeDir, 'dist/catch-mail.js');
  const child = spawn(process.execPath, [program, ...args, `--mail-directory=${folder}`], {
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    const url = `http://127.0.0.1:${web}`;
    await eventually(async () => (await fetch(`${url}/healthz`)).ok || undefined);
    await send(smtp, 1_020);
    // It answers before it has read an e-mail to its end.
    const shown = await eventually(async () => {
      const emails = (await (await fetch(`${url}/email`)).json()) as { subject: string }[];
      return emails.at(-1)?.subject === '1020' ? emails : undefined;
    });
    expect(shown.map(({ subject }) => subject)).toEqual(
      Array.from({ length: 1_000 }, (_, at) => `${at + 21}`),
    );
    await eventually(async () => (await readdir(folder)).length === 1_000 || undefined);
  } finally {
    child.kill();
    await ended;
  }
});
