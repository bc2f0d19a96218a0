import type { FastifyInstance } from 'fastify';
import { Histogram } from 'prom-client';
import { registry, renderMetrics } from '../telemetry/metrics.ts';

const requests = new Histogram({
  name: 'http_server_request_duration_seconds',
  help: 'Answered HTTP requests: method, route template (none for a path that is no route) and status.',
  labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  registers: [registry],
});

/** Measures every request of an application, and answers `/metrics`. */
export function exposeMetrics(app: Pick<FastifyInstance, 'addHook' | 'get'>): void {
  app.addHook('onResponse', (request, reply, done) => {
    requests.observe(
      {
        http_request_method: request.method,
        // The template, never the path: a label value for each id would be a series for each id.
        http_route: request.routeOptions.url ?? '',
        http_response_status_code: reply.statusCode,
      },
      reply.elapsedTime / 1000,
    );
    done();
  });
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    const text = await renderMetrics();
    return reply.type(registry.contentType).send(text);
  });
}
