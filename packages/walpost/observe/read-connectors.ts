import { askHttp, type HttpAccess } from '@walpost/kit/contract/http-access';

/** A connector, or one of its tasks, as Kafka Connect sees it. */
export interface ConnectorPart {
  /** RUNNING, FAILED, PAUSED, STOPPED, UNASSIGNED or RESTARTING. */
  readonly state: string;
  readonly worker: string;
  /** First line of the error that ended it. */
  readonly error: string | null;
}

export interface ConnectorView extends ConnectorPart {
  readonly name: string;
  readonly tasks: readonly (ConnectorPart & { readonly id: number })[];
}

const ANSWER_WITHIN = 3_000;

interface StatusPart {
  state: string;
  worker_id: string;
  trace?: string;
}
type Answer = Record<
  string,
  { status?: { connector: StatusPart; tasks: (StatusPart & { id: number })[] } } | undefined
>;

/**
 * Asks Kafka Connect for all connectors and tasks, in one request.
 *
 * @param connect its REST API, without a slash at the address's end
 * @throws an Error that says in one line why there is no answer
 */
export async function readConnectors(connect: HttpAccess): Promise<ConnectorView[]> {
  const { url } = connect;
  const asked = askHttp(connect, '/connectors?expand=status', ANSWER_WITHIN, { headers: {} });
  const { status, json } = await asked.catch((error: Error) => {
    throw new Error(`Kafka Connect at ${url} does not answer: ${error.message}`, { cause: error });
  });
  if (status !== 200) throw new Error(`Kafka Connect at ${url} does not answer: it answered ${status}`);
  if (json === null || typeof json !== 'object')
    throw new Error(`Kafka Connect at ${url} does not answer: what is there is not Kafka Connect`);
  const answer = json as Answer;
  return Object.entries(answer)
    .flatMap(([name, found]) => {
      if (!found?.status) return [];
      const { connector, tasks } = found.status;
      return [{ name, ...part(connector), tasks: tasks.map((task) => ({ id: task.id, ...part(task) })) }];
    })
    .sort((a, b) => a.name.localeCompare(b.name));
}

function part({ state, worker_id: worker, trace }: StatusPart): ConnectorPart {
  // A Java error begins with the whole name of its class; the last part of that is enough.
  const error = trace?.split('\n', 1)[0]?.replace(/^(?:\w+\.)+(?=\w+:)/, '');
  return { state, worker, error: error?.slice(0, 300) ?? null };
}
