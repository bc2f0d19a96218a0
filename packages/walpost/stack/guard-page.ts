import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Lets nobody but a page of this server's own, and programs on this machine, reach what listens to it. A page of another
 * site names itself in `Origin`; one whose name was made to point to this machine (DNS rebinding), in `Host`.
 *
 * @param server with its listeners
 */
export function guardPage(server: Server): void {
  const requested = server.listeners('request');
  const upgraded = server.listeners('upgrade');
  server.removeAllListeners('request').removeAllListeners('upgrade');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!isOwn(request)) {
      response.writeHead(403, { 'content-type': 'text/plain' });
      response.end('Open this page by localhost; pages of other sites may not read it.\n');
      return;
    }
    for (const listener of requested) listener.call(server, request, response);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isOwn(request)) {
      // Node hands it over without a listener: a reset would end the program.
      socket.on('error', () => socket.destroy());
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
      return;
    }
    for (const listener of upgraded) listener.call(server, request, socket, head);
  });
}

function isOwn({ headers: { host = '', origin } }: IncomingMessage): boolean {
  const own = addressOf(`http://${host}`);
  if (!own || !LOOPBACK.includes(own.hostname)) return false;
  return origin === undefined || addressOf(origin)?.origin === own.origin;
}

const addressOf = (text: string) => (URL.canParse(text) ? new URL(text) : undefined);
