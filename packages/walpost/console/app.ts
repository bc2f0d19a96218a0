import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import { type App, createApp, type ReadinessChecks } from '@walpost/kit/http/http';
import type { Logger } from '@walpost/kit/telemetry/logger';
import { pageDir } from '../program-of.ts';
import { requireHost } from './require-host.ts';
import { type ConsoleParts, consoleRoutes } from './routes.ts';

/** Characters that Node takes of an URL: a key is in it, and one that is too long is told so by its schema. */
const LONGEST_URL = 16 * 1024;

/** Builds the console's HTTP application, the same for production and tests. It does not listen yet. */
export async function buildApp(
  parts: ConsoleParts,
  { logger, readiness, hosts }: { logger: Logger; readiness: ReadinessChecks; hosts: readonly string[] },
): Promise<App> {
  const app = await createApp({ title: 'Walpost console', logger, readiness, maxParamLength: LONGEST_URL });
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
    },
    // It is served by plain HTTP on a machine of one's own, by whatever name.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
  });
  // Probes and metrics are asked by whatever name a deployment has.
  await app.register(async (page) => {
    page.addHook('onRequest', requireHost(hosts));
    await page.register(consoleRoutes(parts));
    await page.register(fastifyStatic, {
      root: pageDir,
      wildcard: false,
      decorateReply: false,
    });
  });
  // Streams never end by themselves.
  app.addHook('preClose', async () => parts.hub.close());
  return app;
}
