import { Problem } from '@walpost/kit/http/problem';
import type { FastifyRequest } from 'fastify';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Makes the check that a request names this console as its host. A page of another site can have its own name point to
 * this machine (DNS rebinding), and a browser would let it read everything here: but for the name in `Host`.
 *
 * @param names besides loopback ones and the address that the connection came to
 */
export function requireHost(names: readonly string[]): (request: FastifyRequest) => Promise<void> {
  const known = new Set([...LOOPBACK, ...names.map((name) => name.toLowerCase())]);
  return async ({ headers: { host = '' }, socket }) => {
    const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
    const address = (socket.localAddress ?? '').replace(/^::ffff:/, '');
    if (known.has(name) || (name !== '' && (name === address || name === `[${address}]`))) return;
    const detail = 'is no name of this console: open it by localhost, or add the name to CONSOLE_HOSTS';
    throw new Problem(403, 'foreign-host', `headers/host ${detail}`, {
      errors: [{ field: 'headers/host', detail }],
    });
  };
}
