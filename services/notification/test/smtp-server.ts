import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What a mail server answers to: the connection itself, a command, or the text of an e-mail with its last dot. */
export type Step = 'connect' | 'EHLO' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'text' | 'RSET' | 'QUIT';

/** Closes the connection in place of an answer. */
export const HANG_UP = 'hang up';

export interface SmtpServer {
  url: string;
  /** Each accepted message: headers and body as they came over the line. */
  messages: string[];
  /**
   * Answers a step with this line, or what it says to a command; undefined is the usual answer again. A text is taken
   * when it is answered with 2xx or not at all.
   */
  answer(step: Step, line: string | ((command: string) => string | undefined) | undefined): void;
  /** Waits so long before each answer, ms. */
  slow(milliseconds: number): void;
  /** How many connections there are. */
  connections(): number;
  close(): Promise<void>;
}

const USUAL: Record<Step, string> = {
  connect: '220 test',
  EHLO: '250-test\r\n250 AUTH PLAIN',
  AUTH: '235 welcome',
  MAIL: '250 fine',
  RCPT: '250 fine',
  DATA: '354 go on',
  text: '250 accepted',
  RSET: '250 fine',
  QUIT: '221 bye',
};

/** As much of a mail server (RFC 5321) as a test needs. */
export async function startSmtpServer(port = 0): Promise<SmtpServer> {
  const messages: string[] = [];
  const sockets = new Set<Socket>();
  const answers = new Map<Step, Parameters<SmtpServer['answer']>[1]>();
  let wait = 0;

  const server = createServer(async (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    const answer = async (step: Step, text: string) => {
      if (wait > 0) await delay(wait);
      const own = answers.get(step);
      const line = (typeof own === 'function' ? own(text) : own) ?? USUAL[step];
      if (step === 'text' && (line === HANG_UP || line.startsWith('2'))) messages.push(text);
      if (line === HANG_UP) socket.destroy();
      else if (!socket.destroyed) socket.write(`${line}\r\n`);
      if (step === 'QUIT') socket.end();
      return line;
    };
    await answer('connect', '');
    let buffer = '';
    let inText = false;
    try {
      for await (const chunk of socket) {
        buffer += chunk;
        for (;;) {
          const last = inText ? '\r\n.\r\n' : '\r\n';
          const end = buffer.indexOf(last);
          if (end < 0) break;
          const text = buffer.slice(0, end);
          buffer = buffer.slice(end + last.length);
          const line = await answer(inText ? 'text' : (text.slice(0, 4).toUpperCase() as Step), text);
          inText = line.startsWith('354');
        }
      }
    } catch {
      // The client has gone.
      socket.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the mail server has no port');
  return {
    url: `smtp://127.0.0.1:${address.port}`,
    messages,
    answer(step, line) {
      answers.set(step, line);
    },
    slow(milliseconds) {
      wait = milliseconds;
    },
    connections: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
