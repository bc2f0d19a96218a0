import { pause } from '@walpost/kit/retry';
import type { Logger } from '@walpost/kit/telemetry/logger';
import { createEventHub } from './event-hub.ts';
import type { ConsoleParts } from './routes.ts';
import type { Snapshot } from './snapshot.ts';
import { createSystemWatch } from './watch-system.ts';

export interface ConsoleOptions
  extends Pick<ConsoleParts, 'observed' | 'kafka' | 'connect' | 'token' | 'load' | 'deadLetterActions'> {
  readonly traceUrl: string | null;
  readonly scenario: string | null;
  readonly logger: Logger;
}

/** From the end of one picture to the begin of the next, ms. */
const EVERY = 1_500;

/** Puts the console's parts together, and takes pictures of the system for as long as somebody looks. */
export function startConsole(options: ConsoleOptions): ConsoleParts & { close(): Promise<void> } {
  const { observed, kafka, connect, token, load, deadLetterActions, traceUrl, scenario, logger } = options;
  const watch = createSystemWatch({ observed, kafka, connect });
  const stopping = new AbortController();
  let look: AbortController | undefined;
  let looking = Promise.resolve();

  const takeSnapshot = async (): Promise<Snapshot> => ({
    ...(await watch()),
    load: load?.state() ?? null,
    changeable: token !== undefined,
    traceUrl,
    scenario,
  });
  const sendPictures = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      try {
        hub.send(await takeSnapshot());
      } catch (error) {
        logger.error({ err: error }, 'the picture could not be taken');
      }
      await pause(EVERY, signal);
    }
  };
  const hub = createEventHub((some) => {
    look?.abort();
    if (!some || stopping.signal.aborted) return;
    const mine = new AbortController();
    look = mine;
    looking = looking.then(() => sendPictures(mine.signal));
  });

  return {
    observed,
    kafka,
    connect,
    token,
    load,
    deadLetterActions,
    hub,
    takeSnapshot,
    async close() {
      stopping.abort();
      look?.abort();
      hub.close();
      await looking;
    },
  };
}
