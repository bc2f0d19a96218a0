import { timingSafeEqual } from 'node:crypto';
import type { ServerOptions } from 'node:https';
import basicAuth from '@fastify/basic-auth';
import httpProxy from '@fastify/http-proxy';
import Fastify, { type FastifyInstance } from 'fastify';

/** What is before a server that asks nobody who they are: a user and a password, and what that user may do. */
export interface AuthProxy {
  /** The address behind it. */
  upstream: string;
  /** The user who is not the operator, and may make some requests too. */
  visitor: string;
  /** Whether the visitor may make this request. */
  open(request: { method: string; url: string }): boolean;
}

/** The proxies by name. What they decide holds for request targets that `isPlain` only. */
export const authProxies = {
  registry: {
    upstream: 'http://registry:8080',
    visitor: 'service',
    // A service reads schemas, and asks for the id of one; registering and changing is the operator's.
    open: ({ method, url }) =>
      method === 'GET'
        ? url.startsWith('/apis/ccompat/v7/')
        : method === 'POST' && /^\/apis\/ccompat\/v7\/subjects\/[^/?]+(\?|$)/.test(url),
  },
  connect: {
    upstream: 'http://connect:8083',
    visitor: 'console',
    // How all connectors are, and nothing of their configuration.
    open: ({ method, url }) => method === 'GET' && url === '/connectors?expand=status',
  },
} satisfies Record<string, AuthProxy>;

/**
 * Whether a request target is written in the one way that nobody reads as something else. The server behind a proxy
 * makes its own of a backslash, of `..`, `//`, `;` and of what is escaped without need, and would find another path than
 * the proxy has checked.
 */
export function isPlain(target: string): boolean {
  // No absolute form, no fragment, nothing that is not printable.
  if (!/^\/[!-"$-~]*$/.test(target)) return false;
  const [path = ''] = target.split('?', 1);
  return path === '/' || path.slice(1).split('/').every(isPlainSegment);
}

function isPlainSegment(segment: string): boolean {
  let text: string;
  try {
    text = decodeURIComponent(segment);
  } catch (error) {
    if (error instanceof URIError) return false;
    throw error;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (text === '' || text.endsWith('.') || /[/\\;%?#\u0000-\u001f\u007f]/.test(text)) return false;
  return segment === encodeURIComponent(text) || segment === encodeURI(text);
}

/** Builds a proxy. The passwords are by user; `operator` may do everything. */
export async function buildAuthProxy(
  { upstream, visitor, open }: AuthProxy,
  passwords: Readonly<Record<string, string>>,
  https: ServerOptions | null,
): Promise<FastifyInstance> {
  const app = Fastify({
    https,
    logger: { level: 'warn' },
    bodyLimit: 1024 * 1024,
    // Without Fastify's 10 s for a plugin, which a starved machine needs.
    pluginTimeout: 0,
  }) as unknown as FastifyInstance;
  app.addHook('onRequest', async ({ url }) => {
    if (isPlain(url)) return;
    throw Object.assign(new Error('the request target is not in its plain form'), { statusCode: 400 });
  });
  app.get('/health/live', async () => ({ status: 'ok' }));
  await app.register(async (guarded) => {
    await guarded.register(basicAuth, {
      authenticate: { realm: 'Walpost' },
      async validate(username, password, request) {
        if (!isRight(passwords, username, password)) throw new Error('user or password is wrong');
        if (username === 'operator' || (username === visitor && open(request))) return;
        const refusal = new Error(`${username} may not ${request.method} ${request.url}`);
        throw Object.assign(refusal, { statusCode: 403 });
      },
    });
    guarded.addHook('onRequest', guarded.basicAuth);
    // The password is for this proxy, not for what is behind it.
    guarded.addHook('preHandler', async (request) => {
      delete request.headers.authorization;
    });
    await guarded.register(httpProxy, { upstream });
  });
  return app;
}

function isRight(passwords: Readonly<Record<string, string>>, username: string, password: string): boolean {
  const wanted = Object.hasOwn(passwords, username) ? passwords[username] : undefined;
  const given = Buffer.from(password);
  const right = Buffer.from(wanted ?? password);
  return wanted !== undefined && given.length === right.length && timingSafeEqual(given, right);
}
