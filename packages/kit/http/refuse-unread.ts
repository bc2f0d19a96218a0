import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { PROBLEM_TYPE, Problem, problemBody } from './problem.ts';

/** How long a client may go on sending what nobody reads, ms: closed at once, it would not see the answer. */
const LINGER = 1_000;

/**
 * Answers what never became a request, in the same form as every other error: headers that are too large, a request
 * that did not come to its end in time, and what is no HTTP.
 */
export function createUnreadRefusal() {
  /** The last request of a connection, and the answer to it. */
  const latest = new WeakMap<Socket, { request: IncomingMessage; response: ServerResponse }>();
  const refused = new WeakSet<Socket>();

  function refuse(socket: Socket, problem: Problem): void {
    if (refused.has(socket)) return;
    refused.add(socket);
    const answer = () => {
      if (!socket.writable) return socket.destroy();
      socket.once('end', () => socket.destroy());
      socket.setTimeout(LINGER, () => socket.destroy());
      return socket.end(textOf(problem));
    };
    const { request, response } = latest.get(socket) ?? {};
    if (!request || !response || response.writableFinished) answer();
    // What is wrong belongs to a request behind one that is being answered: one answer after the other.
    else if (request.complete) response.once('close', answer);
    else if (response.headersSent) socket.destroy();
    else answer();
  }

  return {
    /** Fastify's `clientErrorHandler`. */
    clientErrorHandler(error: Error & { code?: string }, socket: Socket): void {
      if (error.code === 'ECONNRESET' || socket.destroyed) return;
      refuse(socket, problemOf(error.code));
    },

    /** Has it know the requests of an application. */
    watch(app: Pick<FastifyInstance, 'addHook' | 'server'>): void {
      app.addHook('onRequest', ({ raw: request }, { raw: response }, done) => {
        latest.set(request.socket, { request, response });
        done();
      });
      app.server.on('checkExpectation', (_request, response: ServerResponse) => {
        const problem = new Problem(417, 'expectation-failed', 'Only 100-continue can be expected here.');
        const body = JSON.stringify(problemBody(problem));
        const headers = { 'content-type': PROBLEM_TYPE, 'content-length': Buffer.byteLength(body) };
        response.writeHead(417, { ...headers, connection: 'close' }).end(body);
      });
      app.server.on('connect', (_request, socket: Socket) => {
        socket.on('error', () => socket.destroy());
        refuse(socket, new Problem(405, 'method-not-allowed', 'This is no proxy: there is no CONNECT.'));
      });
    },
  };
}

function problemOf(code: string | undefined): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem(431, 'headers-too-large', 'The headers are larger than 16 KiB.');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Problem(413, 'body-too-large', 'The body has chunk extensions that are too large.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem(408, 'request-timeout', 'The request did not come to its end in time.');
    default:
      return new Problem(400, 'bad-request', 'This is no HTTP request.');
  }
}

/** An answer on a connection that has no response object. */
function textOf(problem: Problem): string {
  const body = JSON.stringify(problemBody(problem));
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}
