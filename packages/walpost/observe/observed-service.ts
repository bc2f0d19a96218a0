import type { Db } from '@walpost/kit/postgres/database';

/**
 * What an observer has to know of a service. Everything else it asks the service's database, by the functions of the
 * schema `observer` there, which the service's own migrations make.
 */
export interface ObservedService {
  /** Its consumer group too, e.g. `tracking-service`. */
  readonly name: string;
  /** As the command line calls it, e.g. `tracking`. */
  readonly shortName: string;
  readonly database: string;
  /** Topics that it reads. */
  readonly consumes: readonly string[];
  /** How its events leave, absent when it publishes none; slot and connector are named after each other. */
  readonly publishes?: { readonly topic: string; readonly connector: string; readonly slot: string };
  /** What its work comes to, e.g. `parcels`. */
  readonly effect: string;
  /** What it still has to do by itself, e.g. `parcels under way`; absent when it has nothing of the kind. */
  readonly backlog?: string;
  /** The command that has work tried again which was refused for good; a key after it means what is of that key. */
  readonly retry?: string;
  /** Whether things begin here: it has a sample request. */
  readonly intake: boolean;
  /** It knows the latest keys, and those that are pending. */
  readonly latest?: true;
}

/** One thing that a service did for a key, or is about to do. Times are milliseconds since the epoch. */
export interface EffectRow {
  readonly what: string;
  readonly at: number | null;
  readonly state: 'done' | 'waiting' | 'failed';
  readonly note: string | null;
  /** Of what failed for good: the command that has it tried again. */
  readonly help?: string | null;
}

/** An observed service with its database, opened as `observer`. */
export interface Observed {
  readonly service: ObservedService;
  /** Host and port of its Postgres server: services that have the same, or none said, show the same slots. */
  readonly server?: string;
  readonly db: Db;
}
