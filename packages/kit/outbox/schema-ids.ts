import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { EventName, EventType } from '../contract/contract.ts';
import type { Registry } from '../contract/registry.ts';
import type { Classified } from '../errors.ts';
import type { Db } from '../postgres/database.ts';
import { schemaIds } from '../postgres/tables.ts';
import { untilDone } from '../retry.ts';
import { messageOf } from '../telemetry/describe-error.ts';
import type { Logger } from '../telemetry/logger.ts';

/** No id of this event's schema is known yet: the registry has never been reached, or does not have the schema. */
export class SchemaIdUnknownError extends Error implements Classified {
  readonly code = 'SCHEMA_ID_UNKNOWN';
  readonly retryable = true;

  constructor(name: EventName) {
    super(
      `The id of ${name}'s schema is not known yet: is the registry up, and was "walpost schemas register" run?`,
    );
  }
}

export interface SchemaIds {
  /** @throws {SchemaIdUnknownError} before the first answer */
  idOf(name: EventName): number;
  /** @throws {SchemaIdUnknownError} while one of this service's events cannot be encoded */
  ready(): void;
  close(): Promise<void>;
}

/**
 * Learns the schema ids of the events that a service publishes: from its database at once, from the registry in the
 * background for as long as it takes. A service that has met the registry once starts without it ever after.
 */
export function followSchemaIds(options: {
  db: Db;
  registry: Pick<Registry, 'idOf'>;
  events: readonly EventType[];
  logger: Logger;
}): SchemaIds {
  const { db, registry, events, logger } = options;
  const ids = new Map<EventName, number>();
  const stopping = new AbortController();
  let problem = '';

  async function remembered(): Promise<void> {
    const rows = await db.select().from(schemaIds);
    for (const event of events) {
      const row = rows.find(
        (each) => each.subject === event.subject && each.fingerprint === fingerprint(event),
      );
      if (row) ids.set(event.name, row.id);
    }
  }

  async function confirm(event: EventType): Promise<void> {
    const { name, subject } = event;
    const id = await registry.idOf(event);
    const before = ids.get(name);
    if (before === id) return;
    if (before !== undefined)
      logger.warn({ event: name, before, id }, 'the registry gives this schema another id now');
    ids.set(name, id);
    await db
      .insert(schemaIds)
      .values({ subject, fingerprint: fingerprint(event), id })
      .onConflictDoUpdate({
        target: [schemaIds.subject, schemaIds.fingerprint],
        set: { id: sql`excluded.id` },
      });
  }

  const patiently = (what: string, step: () => Promise<void>) =>
    untilDone(step, stopping.signal, (error) => {
      // Said once for each reason, not at every attempt.
      const text = messageOf(error);
      if (text !== problem)
        logger.warn({ err: error, known: ids.size, of: events.length }, `waiting for ${what}`);
      problem = text;
    });

  const following = (async () => {
    await patiently('the database, to read remembered schema ids', remembered);
    for (const event of events)
      await patiently(`the registry, to learn the schema id of ${event.name}`, () => confirm(event));
    if (!stopping.signal.aborted) logger.info('schema ids agree with the registry');
  })();

  function idOf(name: EventName): number {
    const id = ids.get(name);
    if (id === undefined) throw new SchemaIdUnknownError(name);
    return id;
  }

  return {
    idOf,
    ready() {
      for (const { name } of events) idOf(name);
    },
    async close() {
      stopping.abort();
      await following;
    },
  };
}

function fingerprint({ schema }: EventType): string {
  return createHash('sha256').update(JSON.stringify(schema)).digest('hex');
}
