import { createHash, timingSafeEqual } from 'node:crypto';
import { Problem } from '@walpost/kit/http/problem';
import type { FastifyRequest } from 'fastify';

/**
 * Makes the check that is before everything that changes something.
 *
 * The token comes in a header that no other site can have a browser send, so a forged request has none; a request that
 * a browser says comes from another site is refused all the same.
 *
 * @param token undefined when nobody may change anything
 */
export function requireToken(token: string | undefined): (request: FastifyRequest) => Promise<void> {
  return async ({ headers }) => {
    if (token === undefined) {
      throw new Problem(403, 'read-only', 'This console only shows: CONSOLE_TOKEN is not set where it runs.');
    }
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      throw new Problem(403, 'foreign-site', 'This request comes from another site.');
    }
    const [, given = ''] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? [];
    if (timingSafeEqual(digest(given), digest(token))) return;
    throw new Problem(401, 'token-needed', 'This needs the token that CONSOLE_TOKEN is set to.', {
      headers: { 'www-authenticate': 'Bearer' },
    });
  };
}

/** Equally long, whatever was given. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
