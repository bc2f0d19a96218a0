import { timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import basicAuth from '@fastify/basic-auth';
import httpProxy from '@fastify/http-proxy';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';

/**
 * What stands in front of the schema registry and Kafka Connect, which ask nobody who they are: TLS, a user and a
 * password, and what that user may do. Neither of the two can be reached in another way.
 */
interface Door {
  port: number;
  /** The address behind it. */
  upstream: string;
  /** The user who is not the operator, and may make some requests too. */
  visitor: string;
  /** Whether the visitor may make this request. */
  open(request: FastifyRequest): boolean;
}

const doors: Door[] = [
  {
    port: 8081,
    upstream: 'http://registry:8080',
    visitor: 'service',
    // A service reads schemas, and asks for the id of one; registering and changing is the operator's.
    open: ({ method, url }) =>
      method === 'GET' || (method === 'POST' && /^\/apis\/ccompat\/v7\/subjects\/[^/?]+(\?|$)/.test(url)),
  },
  {
    port: 8083,
    upstream: 'http://connect:8083',
    visitor: 'console',
    // How all connectors are, and nothing of their configuration.
    open: ({ method, url }) => method === 'GET' && url === '/connectors?expand=status',
  },
];

const passwords: Record<string, string> = {
  operator: required('OPERATOR_PASSWORD'),
  service: required('REGISTRY_READER_PASSWORD'),
  console: required('CONSOLE_CONNECT_PASSWORD'),
};
const https = {
  key: readFileSync(required('GATEWAY_KEY_FILE')),
  cert: readFileSync(required('GATEWAY_CERTIFICATE_FILE')),
};

const servers = await Promise.all(doors.map(openDoor));
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => Promise.all(servers.map((server) => server.close())));
}

async function openDoor({ port, upstream, visitor, open }: Door): Promise<FastifyInstance> {
  const app = Fastify({ https, logger: { level: 'warn' }, bodyLimit: 1024 * 1024 });
  app.get('/health/live', async () => ({ status: 'ok' }));
  await app.register(async (guarded) => {
    await guarded.register(basicAuth, {
      authenticate: { realm: 'Walpost' },
      async validate(username, password, request) {
        if (!isRight(username, password)) throw new Error('user or password is wrong');
        if (username === 'operator' || (username === visitor && open(request))) return;
        const refusal = new Error(`${username} may not ${request.method} ${request.url}`);
        throw Object.assign(refusal, { statusCode: 403 });
      },
    });
    guarded.addHook('onRequest', guarded.basicAuth);
    // The password is for this door, not for what is behind it.
    guarded.addHook('preHandler', async (request) => {
      delete request.headers.authorization;
    });
    await guarded.register(httpProxy, { upstream });
  });
  await app.listen({ host: '0.0.0.0', port });
  return app as unknown as FastifyInstance;
}

function isRight(username: string, password: string): boolean {
  const wanted = Object.hasOwn(passwords, username) ? passwords[username] : undefined;
  const given = Buffer.from(password);
  const right = Buffer.from(wanted ?? password);
  return wanted !== undefined && given.length === right.length && timingSafeEqual(given, right);
}

function required(name: string): string {
  const value = process.env[name];
  if (value) return value;
  console.error(`gateway: ${name} is not set; compose/secure/services.yaml says what it is`);
  // Read before anything is opened: there is nothing to close.
  process.exit(1);
}
