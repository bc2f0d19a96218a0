import { parseAnswers, sendRaw } from 'walpost/testing/raw-http';

/** What is read of an OpenAPI document. */
interface ApiDocument {
  paths: Record<string, Record<string, Operation>>;
}
interface Operation {
  requestBody?: unknown;
  responses: Record<string, unknown>;
  parameters?: { name: string; in: string; required?: boolean }[];
}

/** A request that no generator from a schema makes, and what must be answered. */
interface Probe {
  what: string;
  status: (takesBody: boolean) => number | undefined;
  text: (line: string, takesBody: boolean) => string;
}

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const JSON_TYPE = 'content-type: application/json';
const LARGE = JSON.stringify({ customerId: 'a'.repeat(70_000) });

function request(line: string, headers: readonly string[] = [], body = ''): string {
  const length = body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`];
  return [`${line} HTTP/1.1`, 'host: localhost', 'connection: close', ...length, ...headers, '', body].join(
    '\r\n',
  );
}

/** @param status undefined: whatever the document has */
const probe = (what: string, status: Probe['status'] | number | undefined, text: Probe['text']): Probe => ({
  what,
  text,
  status: typeof status === 'function' ? status : () => status,
});

const PROBES: readonly Probe[] = [
  probe('a header of 20 kB', 431, (line) => request(line, [`x: ${'a'.repeat(20_000)}`])),
  probe('an expectation', 417, (line) => request(line, ['expect: a miracle'])),
  probe('no host', 400, (line) => `${line} HTTP/1.1\r\nconnection: close\r\n\r\n`),
  probe('a header that is none', 400, (line) => request(line, ['no colon'])),
  probe('two lengths', 400, (line) => request(line, ['content-length: 1', 'content-length: 2'])),
  probe('a request that does not end', 408, (line, takesBody) =>
    takesBody
      ? request(line, [JSON_TYPE, 'content-length: 10'], '')
      : `${line} HTTP/1.1\r\nhost: localhost\r\n`,
  ),
  probe(
    '70 kB',
    (takesBody) => (takesBody ? 413 : undefined),
    (line) => request(line, [JSON_TYPE], LARGE),
  ),
  probe(
    'text',
    (takesBody) => (takesBody ? 415 : undefined),
    (line) => request(line, ['content-type: text/plain'], 'a'),
  ),
  probe('an empty form', undefined, (line) =>
    request(line, ['content-type: application/x-www-form-urlencoded', 'content-length: 0']),
  ),
  probe(
    'a type that is none',
    (takesBody) => (takesBody ? 415 : undefined),
    (line) => request(line, ['content-type: ;'], 'a'),
  ),
  probe(
    'Latin-1',
    (takesBody) => (takesBody ? 415 : undefined),
    (line) => request(line, [`${JSON_TYPE}; charset=iso-8859-1`], '{}'),
  ),
  probe(
    'a compressed body',
    (takesBody) => (takesBody ? 415 : undefined),
    (line) => request(line, [JSON_TYPE, 'content-encoding: gzip'], '{}'),
  ),
  probe(
    'JSON named and no body',
    (takesBody) => (takesBody ? 400 : undefined),
    (line) => request(line, [JSON_TYPE]),
  ),
  probe(
    'JSON that does not end',
    (takesBody) => (takesBody ? 400 : undefined),
    (line) => request(line, [JSON_TYPE], '{'),
  ),
];

/** What is in the path where the document has a parameter. */
const VALUES = [ID, `urn:uuid:${ID}`, `${ID}%00`, '%', '%E0%A4%A', '%FF', 'a'.repeat(200)];

export interface ProbeReport {
  sent: number;
  failures: string[];
}

/**
 * Sends every operation of a service what cannot be said in a schema: malformed HTTP, what is too large or too slow, and
 * bodies where none belongs. An answer must be documented for the operation, and an error a problem.
 */
export async function probeHttp(url: string): Promise<ProbeReport> {
  const document = (await (await fetch(`${url}/docs/json`)).json()) as ApiDocument;
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const asked = operations.flatMap(({ path, method, operation }) => {
    const takesBody = operation.requestBody !== undefined;
    const line = `${method} ${path.replace(/\{\w+\}/g, ID)}`;
    const documented = Object.keys(operation.responses).map(Number);
    const probes = PROBES.map(({ what, status, text }) => ({
      what: `${method} ${path}, ${what}`,
      text: text(line, takesBody),
      allowed: allowed(documented, status(takesBody)),
    }));
    const values = VALUES.map((value) => ({
      what: `${method} ${path}, ${value.slice(0, 60)}`,
      text: request(`${method} ${path.replace(/\{\w+\}/g, value)}`),
      allowed: documented,
    }));
    return path.includes('{') ? [...probes, ...values] : probes;
  });
  const elsewhere = [
    { what: 'an unknown path', text: request('GET /nothing'), allowed: [404] },
    { what: 'an unknown method', text: request('FETCH /health/live'), allowed: [400] },
    { what: 'another method', text: request('PATCH /health/live'), allowed: [405] },
    { what: 'no HTTP', text: 'hello\r\n\r\n', allowed: [400] },
  ];
  const all = [...asked, ...elsewhere];
  const failures = await Promise.all(all.map(async (each) => diagnose(each, await sendRaw(url, each.text))));
  return { sent: all.length, failures: failures.flat() };
}

/** An expected answer must be documented like any other. */
function allowed(documented: readonly number[], expected: number | undefined): readonly number[] {
  return expected === undefined ? documented : documented.filter((status) => status === expected);
}

function diagnose({ what, allowed }: { what: string; allowed: readonly number[] }, text: string): string[] {
  const [answer, ...more] = parseAnswers(text);
  if (!answer) return [`${what}: no answer`];
  if (more.length > 0) return [`${what}: ${more.length + 1} answers`];
  const { status, headers, body } = answer;
  if (!allowed.includes(status)) return [`${what}: ${status}, not ${allowed.join(' or ') || 'documented'}`];
  if (status < 400) return [];
  if (!headers['content-type']?.startsWith('application/problem+json'))
    return [`${what}: ${status} is no problem`];
  const problem = JSON.parse(body) as { status?: number };
  return problem.status === status ? [] : [`${what}: ${status} with a problem of ${problem.status}`];
}
