import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { reason } from '@walpost/kit/contract/errors';
import { registry, renderMetrics } from '@walpost/kit/telemetry/metrics';
import { CliError } from '../cli-error.ts';
import type { ConnectorView } from '../observe/read-connectors.ts';

/**
 * Answers `/metrics`, and `/health/ready` as a service does: 200 when every connector and task runs, else 503 with what
 * does not. A probe asks here, because a command line that starts for each of them takes 15 s on a machine that is busy.
 *
 * By Node's own server: kit's application takes 1.2 s of a processor and 30 MB to start, for pages that nobody opens
 * here.
 *
 * @param expected the connectors that there should be
 * @param read asks Kafka Connect; what it rejects with is reported
 * @returns the port, which is the system's choice where 0 was asked for, and what closes it
 * @throws CliError when it cannot listen there
 */
export async function serveWatcher(
  { host, port }: { host: string; port: number },
  expected: readonly string[],
  read: () => Promise<readonly ConnectorView[]>,
): Promise<{ port: number; close(): Promise<void> }> {
  const answers: Record<string, (response: ServerResponse) => Promise<void>> = {
    '/metrics': async (response) => {
      const text = await renderMetrics();
      response.writeHead(200, { 'content-type': registry.contentType }).end(text);
    },
    '/health/ready': async (response) => {
      const problems = await read().then(
        (views) => notRunning(expected, views),
        (error: unknown) => ({ 'Kafka Connect': reason(error) }),
      );
      const [status, answer] =
        Object.keys(problems).length === 0
          ? [200, { status: 'ok' }]
          : [503, { status: 'unavailable', problems }];
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    },
  };
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ''];
    if (!answer) response.writeHead(404).end();
    else answer(response).catch((error: unknown) => response.writeHead(500).end(`${reason(error)}\n`));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new CliError(`cannot serve metrics on ${host}:${port}: ${error.message}`, { cause: error })),
    );
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What is not running of the connectors that there should be, by name: MISSING, or the state and error of one part. */
export function notRunning(
  expected: readonly string[],
  views: readonly ConnectorView[],
): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const name of expected) {
    const view = views.find((each) => each.name === name);
    const parts = view ? [{ what: 'connector', ...view }, ...view.tasks.map(task)] : [];
    const down = parts.find(({ state }) => state !== 'RUNNING');
    if (!view) problems[name] = 'MISSING';
    else if (down) problems[name] = `${down.what} ${down.state}${down.error ? `: ${down.error}` : ''}`;
    else if (view.tasks.length === 0) problems[name] = 'no task yet';
  }
  return problems;
}

const task = (part: ConnectorView['tasks'][number]) => ({ what: `task ${part.id}`, ...part });
