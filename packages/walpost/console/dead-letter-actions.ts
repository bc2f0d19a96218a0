import type { System } from '@walpost/kit/config';
import { Problem } from '@walpost/kit/http/problem';
import { type Database, openDatabase } from '@walpost/kit/postgres/database';
import { CliError } from '../cli-error.ts';
import { discardDeadLetter } from '../dead-letters/discard-dead-letter.ts';
import { chosen, replayDeadLetters } from '../dead-letters/request-replay.ts';
import { type Servers, serverIn } from '../observe/open-observed.ts';

/** What an operator can do about a dead letter. */
export interface DeadLetterActions {
  /** Asks the running service to handle the dead letter again, and those behind it. @returns what became of each */
  replay(service: string, id: number): Promise<{ id: number; outcome: string; error: string | null }[]>;
  /** Gives a dead letter up. @returns the ids of the dead letters that go on without it */
  discard(service: string, id: number, reason: string): Promise<number[]>;
  close(): Promise<void>;
}

/** How long to wait until the service has finished a replay, s; the request outlives it. */
const REPLAY_SECONDS = 10;

/** Works as the role `dlq_operator`, with the same steps as `walpost dead-letters`. */
export function createDeadLetterActions(
  system: System,
  { servers, password }: { servers: Servers; password: string },
): DeadLetterActions {
  const opened = new Map<string, Database>();
  const database = (service: string) => {
    const known =
      opened.get(service) ??
      openDatabase({
        ...serverIn(servers, service),
        password,
        database: system.service(service).database,
        user: 'dlq_operator',
        applicationName: 'walpost-console',
        connections: 2,
      });
    opened.set(service, known);
    return known.db;
  };
  return {
    async replay(service, id) {
      const db = database(service);
      const replays = await answered(async () =>
        replayDeadLetters(db, await chosen(db, { id }), REPLAY_SECONDS),
      );
      return replays.map(({ deadLetter, outcome }) => ({
        id: deadLetter.id,
        outcome,
        error: outcome === 'failed' ? `${deadLetter.errorCode}: ${deadLetter.errorMessage}` : null,
      }));
    },
    async discard(service, id, reason) {
      const { released } = await answered(() => discardDeadLetter(database(service), id, reason));
      return released.map((deadLetter) => deadLetter.id);
    },
    async close() {
      await Promise.all([...opened.values()].map(({ close }) => close()));
    },
  };
}

/** The operations speak to a person at a terminal; here the same sentence is a 404. */
async function answered<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CliError) throw new Problem(404, 'dead-letter-not-open', error.message);
    throw error;
  }
}
