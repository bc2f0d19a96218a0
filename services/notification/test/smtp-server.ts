import { createServer, type Socket } from 'node:net';

export interface SmtpServer {
  url: string;
  /** Each accepted message: headers and body as they came over the line. */
  messages: string[];
  /** Answers every message with this line instead of accepting it; undefined accepts again. */
  refuse(line: string | undefined): void;
  close(): Promise<void>;
}

/** As much of a mail server (RFC 5321) as a test needs. */
export async function startSmtpServer(port = 0): Promise<SmtpServer> {
  const messages: string[] = [];
  const sockets = new Set<Socket>();
  let refusal: string | undefined;

  const server = createServer((socket) => {
    sockets.add(socket);
    const say = (line: string) => socket.write(`${line}\r\n`);
    let buffer = '';
    let inData = false;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      buffer += chunk.toString();
      for (;;) {
        const end = buffer.indexOf(inData ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const text = buffer.slice(0, end);
        buffer = buffer.slice(end + (inData ? 5 : 2));
        if (inData) {
          inData = false;
          if (refusal === undefined) messages.push(text);
          say(refusal ?? '250 accepted');
        } else if (text === 'DATA') {
          inData = true;
          say('354 go on');
        } else if (text === 'QUIT') {
          say('221 bye');
          socket.end();
        } else {
          say('250 fine');
        }
      }
    });
    say('220 test');
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the mail server has no port');
  return {
    url: `smtp://127.0.0.1:${address.port}`,
    messages,
    refuse(line) {
      refusal = line;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
