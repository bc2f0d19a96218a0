import { pause } from '@walpost/kit/retry';
import { messageOf } from '@walpost/kit/telemetry/describe-error';
import { failure } from '../connect/await-connector.ts';
import type { ConnectClient, ConnectorStatus } from '../connect/connect-client.ts';
import { countRestart } from './relay-metrics.ts';

/** What the watcher remembers of a connector. */
export interface Watched {
  /** Restarts since it last ran for a while. */
  restarts: number;
  /** Before this moment, ms since the epoch, it is left alone. */
  notBefore: number;
}

/** Waits between restarts of one connector, ms: doubled from the first to the last. */
const FIRST_WAIT = 1_000;
const LAST_WAIT = 60_000;
/** A connector that has run for so long after a restart is well again, ms. */
const WELL_AFTER = 120_000;

/**
 * Decides about a connector at a moment.
 *
 * @param watched changed by this call
 * @returns why it is to be restarted now, or undefined when there is nothing to do
 */
export function diagnoseConnector(
  status: ConnectorStatus,
  watched: Watched,
  now: number,
): string | undefined {
  const failed = failure(status);
  if (failed === undefined) {
    if (now - watched.notBefore > WELL_AFTER) watched.restarts = 0;
    return undefined;
  }
  if (now < watched.notBefore) return undefined;
  watched.notBefore = now + Math.min(LAST_WAIT, FIRST_WAIT * 2 ** watched.restarts);
  watched.restarts += 1;
  return failed;
}

/**
 * Looks at connectors and restarts what has failed of them: Kafka Connect never does that by itself, so a database that
 * was away for a moment would stop its events for good.
 *
 * @param say called for every restart, and of each change in what stands in the way
 */
export async function watchConnectors(
  connect: ConnectClient,
  names: readonly string[],
  options: { everySeconds: number; signal: AbortSignal; say: (line: string) => void },
): Promise<void> {
  const { everySeconds, signal, say } = options;
  const watched = new Map(names.map((name) => [name, { restarts: 0, notBefore: 0 }]));
  const said = new Map<string, string>();
  const sayOnce = (name: string, line: string) => {
    if (said.get(name) !== line) say(line);
    said.set(name, line);
  };
  while (!signal.aborted) {
    for (const [name, memory] of watched) {
      if (signal.aborted) return;
      try {
        const status = await connect.status(name);
        if (!status) {
          sayOnce(name, `${name} is not registered; run \`walpost connectors apply ${name}\``);
          continue;
        }
        const reason = diagnoseConnector(status, memory, Date.now());
        if (reason === undefined) {
          if (failure(status) === undefined) sayOnce(name, `${name} runs`);
          continue;
        }
        sayOnce(name, `${name} failed, restart ${memory.restarts}: ${reason}`);
        await connect.restart(name, { onlyFailed: true });
        countRestart(name);
      } catch (error) {
        sayOnce(name, messageOf(error));
      }
    }
    await pause(everySeconds * 1000, signal);
  }
}
