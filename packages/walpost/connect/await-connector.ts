import { CliError } from '../cli-error.ts';
import { untilDecided } from '../wait.ts';
import type { ConnectClient, ConnectorState, ConnectorStatus } from './connect-client.ts';

export interface AwaitOptions {
  /** How long in all. */
  readonly seconds: number;
  /** Restart what has failed, once, before giving up on it. */
  readonly restartFailed: boolean;
  /** It has just been told to resume, which is carried out later: that it is still paused says nothing. */
  readonly resumed?: boolean;
}

/**
 * Waits until a connector and every one of its tasks is in a state; one that is stopped has no tasks.
 * @throws CliError with the task's own error when one has failed, or saying what is still missing when time is up
 */
export async function awaitConnector(
  connect: ConnectClient,
  name: string,
  wanted: 'RUNNING' | 'PAUSED' | 'STOPPED',
  options: AwaitOptions,
): Promise<void> {
  let restarts = options.restartFailed ? 1 : 0;
  // A restart is carried out later: until the old failure is gone from the status it says nothing.
  let stale = false;
  let last: ConnectorStatus | undefined;

  const reached = await untilDecided(async () => {
    last = await connect.status(name);
    if (last === undefined) return undefined;
    const states = statesOf(last);
    const hasTasks = last.tasks.length > 0;
    if (hasTasks === (wanted !== 'STOPPED') && states.every((state) => state === wanted)) return true;
    // What failed is ended like what runs.
    if (wanted === 'STOPPED') return undefined;
    const rests = last.connector.state === 'PAUSED' || last.connector.state === 'STOPPED';
    if (wanted === 'RUNNING' && rests && !options.resumed) {
      throw new CliError(`${name} is ${last.connector.state}; run \`walpost connectors resume ${name}\``);
    }
    const failed = states.includes('FAILED');
    if (failed && !stale) {
      if (restarts === 0) throw new CliError(`${name} failed: ${failure(last)}`);
      restarts -= 1;
      await connect.restart(name, { onlyFailed: true });
    }
    stale = failed;
    return undefined;
  }, options.seconds);

  if (!reached) {
    const seen = last ? (failure(last) ?? summary(last)) : 'unknown to Kafka Connect';
    throw new CliError(`${name} is not ${wanted} after ${options.seconds} s: ${seen}`);
  }
}

function statesOf(status: ConnectorStatus): ConnectorState[] {
  return [status.connector.state, ...status.tasks.map((task) => task.state)];
}

function summary({ connector, tasks }: ConnectorStatus): string {
  const states = tasks.map((task) => `task ${task.id} ${task.state}`);
  return `connector ${connector.state}, ${states.join(', ') || 'no task yet'}`;
}

/** The error of the connector or of its first failed task: the first line of the trace and its root cause. */
export function failure({ connector, tasks }: ConnectorStatus): string | undefined {
  const failed = connector.state === 'FAILED' ? connector : tasks.find((task) => task.state === 'FAILED');
  if (!failed) return undefined;
  const lines = (failed.trace ?? 'no trace given').split('\n').map((line) => line.trim());
  const first = unqualified(lines[0] ?? '').replace(/\.$/, '');
  const root = lines.findLast((line) => line.startsWith('Caused by: '));
  return root === undefined ? first : `${first}; caused by ${unqualified(root.slice('Caused by: '.length))}`;
}

/** `org.apache.kafka.connect.errors.ConnectException: text` → `ConnectException: text` */
function unqualified(line: string): string {
  return line.replace(/^[\w$]+(?:\.[\w$]+)*\.(?=[\w$]+(?::|$))/, '');
}
