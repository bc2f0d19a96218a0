import type { SQL } from 'drizzle-orm';
import type { Db } from '../database.js';

/**
 * What an observer has to know of a service. The kit knows no service's tables: what to look at is said here, as
 * statements that the role `observer` may run.
 */
export interface ObservedService {
  /** Its consumer group too, e.g. `payment-service`. */
  readonly name: string;
  /** As the command line calls it, e.g. `payment`. */
  readonly shortName: string;
  readonly database: string;
  /** Topics that it reads. */
  readonly consumes: readonly string[];
  /** How its events leave, absent when it publishes none; slot and connector are named after each other. */
  readonly publishes?: { readonly topic: string; readonly connector: string; readonly slot: string };
  /** What its work comes to, and the table whose inserts count it, e.g. `payments`. */
  readonly effect: { readonly label: string; readonly table: string };
  /** What it has done for an order: rows of `EffectRow`, in their order. */
  readonly effectsOf: (orderId: string) => SQL;
  /** What it still has to do by itself: one row of `BacklogRow`. */
  readonly backlog?: {
    readonly label: string;
    readonly query: SQL;
    /** The command that has refused work tried again, where the query tells of `refused`. */
    readonly retry?: string;
  };
  /** Where orders come from: the latest, and the oldest that are still pending, as rows of `OrderHead`. */
  readonly orders?: { readonly latest: SQL; readonly pending: SQL };
}

/** One thing that a service did for an order, or is about to do. Times are milliseconds since the epoch. */
export interface EffectRow {
  readonly what: string;
  readonly at: number | null;
  readonly state: 'done' | 'waiting' | 'failed';
  readonly note: string | null;
  /** Of what failed for good: the command that has it tried again. */
  readonly help?: string | null;
}

/** How much waits, and since when the oldest does. */
export interface BacklogRow {
  readonly count: number;
  readonly oldest: number | null;
  /** How much was refused for good, and is tried again only when a person says so. */
  readonly refused?: number;
}

/** An observed service with its database, opened as `observer`. */
export interface Observed {
  readonly service: ObservedService;
  readonly db: Db;
}

/** What one source says, or why it says nothing: whoever shows it shows that in its place. */
export type Source<T> = { readonly value: T } | { readonly error: string };

/** A Postgres instant as milliseconds since the epoch, for a `select`. */
export const MILLISECONDS = (expression: string) => `(extract(epoch from ${expression}) * 1000)::float8`;
