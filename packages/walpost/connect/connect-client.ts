import { askHttp, type HttpAccess } from '@walpost/kit/contract/http-access';
import { CliError } from '../cli-error.ts';
import { untilAvailable } from '../wait.ts';

export type ConnectorState = 'RUNNING' | 'PAUSED' | 'STOPPED' | 'FAILED' | 'UNASSIGNED' | 'RESTARTING';

export interface ConnectorStatus {
  readonly connector: { readonly state: ConnectorState; readonly worker_id: string; readonly trace?: string };
  readonly tasks: readonly {
    readonly id: number;
    readonly state: ConnectorState;
    readonly worker_id: string;
    readonly trace?: string;
  }[];
}

export type ConnectorConfig = Readonly<Record<string, string>>;

/** A request to Kafka Connect that failed; `retryable` when it may work in a moment. */
export class ConnectError extends CliError {
  override readonly name = 'ConnectError';
  readonly retryable: boolean;
  /** The HTTP status, when there was an answer. */
  readonly status: number | undefined;

  constructor(message: string, options: ErrorOptions & { retryable: boolean; status?: number }) {
    super(message, options);
    this.retryable = options.retryable;
    this.status = options.status;
  }
}

/** What a worker can run. */
export interface ConnectPlugin {
  readonly class: string;
  readonly version: string;
}

/** Kafka Connect's REST API; every method rejects with ConnectError. */
export interface ConnectClient {
  names(): Promise<string[]>;
  plugins(): Promise<ConnectPlugin[]>;
  /** The config as it was sent, placeholders unresolved; undefined when there is no such connector. */
  config(name: string): Promise<ConnectorConfig | undefined>;
  /** Creates or changes a connector; Connect checks the config first. */
  put(name: string, config: ConnectorConfig): Promise<void>;
  /** Undefined when there is no such connector, or not yet. */
  status(name: string): Promise<ConnectorStatus | undefined>;
  /** Restarts the connector and its tasks, or only what has failed of them. */
  restart(name: string, options: { onlyFailed: boolean }): Promise<void>;
  pause(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  /** Ends its tasks and keeps its config and offsets, until it is resumed. */
  stop(name: string): Promise<void>;
  /** Forgets how far a connector has read, as Kafka Connect knows it. Only of one that is stopped. */
  resetOffsets(name: string): Promise<void>;
  delete(name: string): Promise<void>;
}

// Checking a config opens a connection to the database, which may take its time to fail.
const TIMEOUT_MS = 20_000;
/**
 * Every request may be made twice without harm, so one that got no answer is made again: a worker that was killed is a
 * member of its group until its session ends, and until then its successor accepts connections and answers nothing.
 *
 * @param access Kafka Connect's address, without a slash at its end, and how to log in there
 * @param timeoutS how long a request is tried again while Connect rebalances or does not answer, in seconds
 * @param timeoutMs how long one request may take
 */
export function createConnectClient(
  access: HttpAccess,
  timeoutS: number,
  timeoutMs = TIMEOUT_MS,
): ConnectClient {
  const { url } = access;
  const headers = { accept: 'application/json', 'content-type': 'application/json' };

  async function once(method: string, path: string, body?: unknown): Promise<unknown> {
    const asked = askHttp(access, path, timeoutMs, { method, headers, body });
    const {
      status,
      text,
      json: answer,
    } = await asked.catch((error: Error) => {
      throw new ConnectError(`Kafka Connect at ${url}: ${error.message}`, { retryable: true, cause: error });
    });
    if (status === 401) {
      const what = access.token
        ? 'the token; is CONNECT_TOKEN right?'
        : 'the user or the password; are CONNECT_USERNAME and CONNECT_PASSWORD right?';
      throw new ConnectError(`Kafka Connect at ${url} refuses ${what}`, { retryable: false, status });
    }
    if (status < 400 && text === '') return undefined;
    if (answer === null || typeof answer !== 'object') throw notConnect(url, path, status, text);
    if (status < 400) return answer;
    const { error_code: code, message } = answer as { error_code?: unknown; message?: unknown };
    // While Connect starts, its web server is up but has no resources yet, and answers in this form.
    if (typeof code !== 'number' && status === 404 && 'url' in answer) {
      throw new ConnectError(`Kafka Connect at ${url} is still starting`, { retryable: true, status });
    }
    if (typeof code !== 'number') throw notConnect(url, path, status, text);
    // Of an unknown connector Connect says so; an unknown path is "HTTP 404 Not Found".
    if (status === 404 && !/^HTTP 404/.test(String(message))) return undefined;
    throw new ConnectError(`${method} ${path}: ${shorten(String(message))}`, {
      retryable: status === 409 || status >= 500,
      status,
    });
  }

  function request(method: string, path: string, body?: unknown): Promise<unknown> {
    return untilAvailable(() => once(method, path, body), {
      seconds: timeoutS,
      retryable: (error) => error instanceof ConnectError && error.retryable,
    });
  }

  const connector = (name: string) => `/connectors/${encodeURIComponent(name)}`;

  return {
    async names() {
      const answer = await request('GET', '/connectors');
      if (!Array.isArray(answer)) throw notConnect(url, '/connectors', 200, JSON.stringify(answer) ?? '');
      return answer.map(String).sort();
    },
    async plugins() {
      const answer = await request('GET', '/connector-plugins');
      if (!Array.isArray(answer)) {
        throw notConnect(url, '/connector-plugins', 200, JSON.stringify(answer) ?? '');
      }
      return answer as ConnectPlugin[];
    },
    async config(name) {
      return (await request('GET', `${connector(name)}/config`)) as ConnectorConfig | undefined;
    },
    async put(name, config) {
      await request('PUT', `${connector(name)}/config`, config);
    },
    async status(name) {
      const answer = await request('GET', `${connector(name)}/status`);
      if (answer === undefined) return undefined;
      const status = answer as Partial<ConnectorStatus>;
      if (!status.connector || !Array.isArray(status.tasks)) {
        throw notConnect(url, `${connector(name)}/status`, 200, JSON.stringify(answer));
      }
      return { connector: status.connector, tasks: status.tasks };
    },
    async restart(name, { onlyFailed }) {
      await request('POST', `${connector(name)}/restart?includeTasks=true&onlyFailed=${onlyFailed}`);
    },
    async pause(name) {
      await request('PUT', `${connector(name)}/pause`);
    },
    async resume(name) {
      await request('PUT', `${connector(name)}/resume`);
    },
    async stop(name) {
      await request('PUT', `${connector(name)}/stop`);
    },
    async resetOffsets(name) {
      await request('DELETE', `${connector(name)}/offsets`);
    },
    async delete(name) {
      await request('DELETE', connector(name));
    },
  };
}

function notConnect(url: string, path: string, status: number, text: string): ConnectError {
  const start = text.slice(0, 60).replaceAll(/\s+/g, ' ');
  return new ConnectError(
    `no Kafka Connect at ${url}: ${path} answered ${status}, "${start}"; set CONNECT_URL to its REST API`,
    { retryable: false },
  );
}

/** Connect wraps the findings about a config into two sentences that help nobody. */
function shorten(message: string): string {
  return message
    .replace(/^Connector configuration is invalid and contains the following \d+ error\(s\):\s*/, '')
    .replace(/\s*You can also find the above list of errors at the endpoint.*$/s, '')
    .replaceAll(/\s*\n\s*/g, '; ');
}
