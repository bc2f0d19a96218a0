import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { BusyError } from '../errors.ts';

/** How many requests of one connection, and of all together, may have no answer yet. */
export interface OpenLimits {
  connection: number;
  all: number;
}

/** Whoever asks whether the service is alive is answered when it is not, too. */
const PROBES = new Set(['/health/live', '/health/ready', '/metrics']);

/**
 * Answers 503 to a request when too many have no answer yet: a client that sends on without reading must not take the
 * memory, nor the place of everybody else. For routes that are added after this call.
 */
export function boundOpenRequests(app: Pick<FastifyInstance, 'addHook'>, limits: OpenLimits): void {
  const lines = new WeakMap<Socket, { open: number }>();
  let open = 0;

  function lineOf(socket: Socket): { open: number } {
    const known = lines.get(socket);
    if (known) return known;
    const line = { open: 0 };
    lines.set(socket, line);
    // Of requests that were never answered nothing else is reported.
    socket.once('close', () => {
      open -= line.open;
      line.open = 0;
    });
    return line;
  }

  app.addHook('onRequest', ({ raw, routeOptions }, _reply, done) => {
    const line = lineOf(raw.socket);
    const isProbe = PROBES.has(routeOptions.url ?? '');
    line.open += 1;
    open += 1;
    if (!isProbe && line.open > limits.connection)
      return done(new BusyError('This connection has too many requests without an answer.'));
    // Never the only one of its connection: those who hold many make room, and not whoever comes next.
    if (!isProbe && open > limits.all && line.open > 1)
      return done(new BusyError('Too many requests have no answer yet. Try again.'));
    done();
  });
  app.addHook('onResponse', ({ raw }, _reply, done) => {
    const line = lines.get(raw.socket);
    if (line && line.open > 0) {
      line.open -= 1;
      open -= 1;
    }
    done();
  });
}
