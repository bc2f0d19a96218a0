import closeWithGrace from 'close-with-grace';
import { ConfigError, databaseFault } from '../errors.ts';
import { describeError, messageOf } from '../telemetry/describe-error.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Registers a release, which runs when the service stops; the last one registered runs first. */
export type Defer = (what: string, release: () => unknown) => void;

/** How long a stop may take before the process ends anyway, ms. Below the 10 s that `docker stop` grants. */
export const STOP_WITHIN = 9_000;

/**
 * Runs a service until a signal or a fatal error. `start` acquires what the service needs and defers each release at
 * once; all of them run, last-in-first-out, whatever ends the service. Exit code 0 after a signal, 1 after an error.
 */
export async function runProcess(logger: Logger, start: (defer: Defer) => Promise<void>): Promise<void> {
  const releases: { what: string; release: () => unknown }[] = [];
  closeWithGrace({ delay: STOP_WITHIN, logger }, async ({ err, signal }) => {
    if (err) logger.fatal({ err }, `stopping: ${messageOf(err)}`);
    else logger.info({ signal }, 'stopping');
    for (const { what, release } of releases.reverse()) {
      try {
        await release();
      } catch (error) {
        logger.error({ err: error }, `could not close ${what}`);
      }
    }
    logger.info('stopped');
  });
  try {
    await start((what, release) => releases.push({ what, release }));
  } catch (error) {
    // An uncaught rejection is what makes close-with-grace release everything and exit with 1.
    void Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}

/**
 * Runs a program's body. What its user can fix, a wrong configuration or a server that is not there, ends in one line;
 * anything else is a fault of the program and keeps its stack. Exit code 1 either way.
 */
export async function runMain(program: () => Promise<void>): Promise<void> {
  try {
    await program();
  } catch (error) {
    const fault = databaseFault(error);
    const fixable = error instanceof ConfigError || (fault !== undefined && fault !== 'other');
    const { message, stack } = describeError(error);
    const line = error instanceof ConfigError ? error.message : message;
    process.stderr.write(fixable || !stack ? `${line}\n` : `${message}\n${stack}\n`);
    process.exitCode = 1;
  }
}
