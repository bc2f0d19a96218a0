import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import { Problem, problemResponse, RETRY } from './problem.ts';

/** What any route may answer instead of what was asked of it. */
const ANY_ROUTE = {
  400: problemResponse('The request is not valid; `errors` names the fields.'),
  408: problemResponse('The request did not come to its end in time.'),
  417: problemResponse('`Expect` asks for something else than `100-continue`.'),
  431: problemResponse('The headers are larger than 16 KiB.'),
  503: problemResponse('It cannot be answered now; try again after `Retry-After` seconds.'),
};

/** What a route that takes a body may answer besides. */
const WITH_BODY = {
  413: problemResponse('The body is larger than 64 KiB.'),
  415: problemResponse('The body is not application/json in UTF-8.'),
};

/**
 * Refuses what no route takes, before the route is asked: a request while the application closes, one without a host,
 * a body that is no JSON; and answers for a method that a path does not have. All of it, and what Fastify refuses by
 * itself, goes into the OpenAPI document of each route where it can occur.
 *
 * A route without a body does not read one, whatever the headers say: for routes that are added after this call.
 */
export function refuseRequests(app: FastifyInstance): void {
  readJson(app);
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  const methods = new Map<string, { path: RegExp; allowed: Set<string> }>();

  /** Nothing is at a request's path, or it has other methods. */
  function absent({ method, url }: FastifyRequest): Problem {
    const path = decodeURI(url.split(/[?#]/, 1)[0] ?? '');
    const allowed = [...methods.values()]
      .filter((each) => each.path.test(path))
      .flatMap((each) => [...each.allowed]);
    const what = `${method} ${url.slice(0, 200)}`;
    // Where files are served, the route is there and the file is not.
    if (allowed.length === 0 || allowed.includes(method))
      return new Problem(404, 'not-found', `There is nothing at ${what}.`);
    const allow = allowed.sort().join(', ');
    return new Problem(405, 'method-not-allowed', `There is no ${what}; the methods here are ${allow}.`, {
      headers: { allow },
    });
  }

  app.addHook('onRoute', (route: RouteOptions) => {
    const known = methods.get(route.url) ?? { path: pathOf(route.url), allowed: new Set() };
    methods.set(route.url, known);
    for (const method of [route.method].flat()) known.allowed.add(method);
    const { schema } = route;
    if (!schema) return;
    const refusals = schema.body ? { ...ANY_ROUTE, ...WITH_BODY } : ANY_ROUTE;
    route.schema = { ...schema, response: { ...refusals, ...(schema.response as object | undefined) } };
  });

  app.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request.raw;
    if (closing) return done(new Problem(503, 'stopping', 'This service is stopping. Try again.', RETRY));
    if (headers.host === undefined && request.raw.httpVersion === '1.1') {
      return done(refused(400, 'host-missing', 'headers/host', 'is missing'));
    }
    // Before Fastify looks at the body: it asks a QUERY for its type, whatever the path.
    if (request.is404) return done(absent(request));
    if (request.routeOptions.schema?.body) return done(foreignBody(request));
    // By these Fastify decides whether to parse a body. Node has its own count of the bytes, and skips them.
    delete headers['content-type'];
    delete headers['content-length'];
    delete headers['transfer-encoding'];
    return done();
  });

  app.setNotFoundHandler((request) => {
    throw absent(request);
  });
}

/** Reads JSON and nothing else. Fastify by itself takes text/plain too, and puts a sign in place of what is no UTF-8. */
function readJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (isUtf8(body)) parse(request, body.toString(), done);
    else done(refused(400, 'not-utf', 'body', 'is not in UTF-8'));
  });
}

/** `/shipments/:id` → what its requests' paths look like */
function pathOf(url: string): RegExp {
  const pattern = url
    .replace(/[.+^$(){}|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/:\w+/g, '[^/]+');
  return new RegExp(`^${pattern}$`);
}

/** A body that says it is something else than plain JSON in UTF-8, the only coding that JSON has. */
function foreignBody({ raw: { headers } }: FastifyRequest): Problem | undefined {
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding.toLowerCase() !== 'identity') {
    return refused(415, 'unsupported-encoding', 'headers/content-encoding', 'is not identity');
  }
  const charsets = (headers['content-type'] ?? '').matchAll(/;\s*charset\s*=\s*"?([^;"\s]*)/gi);
  if ([...charsets].every(([, charset = '']) => /^utf-?8$/i.test(charset))) return undefined;
  return refused(415, 'unsupported-charset', 'headers/content-type', 'has another charset than utf-8');
}

function refused(status: number, kind: string, field: string, detail: string): Problem {
  return new Problem(status, kind, `${field} ${detail}`, { errors: [{ field, detail }] });
}
