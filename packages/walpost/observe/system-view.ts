import type { Slot } from '@walpost/kit/outbox/read-slots';
import type { Source } from '@walpost/kit/telemetry/attempt';
import type { GroupProgress } from './describe-group.ts';
import type { ConnectorView } from './read-connectors.ts';
import type { Counters } from './read-counters.ts';
import type { OpenDeadLetters } from './read-dead-letters.ts';
import type { OutboxState } from './read-outbox.ts';
import type { TopicView } from './read-topics.ts';

/** What a service's database says of it. */
export interface ServiceState {
  readonly name: string;
  readonly shortName: string;
  readonly publishes: { readonly topic: string; readonly connector: string; readonly slot: string } | null;
  /** Null for a service that publishes nothing. */
  readonly outbox: Source<OutboxState> | null;
  readonly counters: Source<Counters>;
  readonly deadLetters: Source<OpenDeadLetters>;
}

/** A key, and how far it is by its service's own words. */
export interface Head {
  readonly key: string;
  readonly status: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The newest keys of a service, and those that have been pending for longest. */
export interface Heads {
  /** What they are, e.g. `shipments`. */
  readonly effect: string;
  readonly latest: readonly Head[];
  readonly pending: readonly Head[];
}

/** The whole system at one moment; each source says for itself when it cannot be asked. */
export interface SystemView {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly services: readonly ServiceState[];
  readonly slots: Source<readonly Slot[]>;
  readonly connectors: Source<readonly ConnectorView[]>;
  readonly topics: Source<readonly TopicView[]>;
  readonly groups: Source<readonly GroupProgress[]>;
  /** Null where no service knows its latest keys. */
  readonly heads: Source<Heads> | null;
}

/** Something that is not as it should be, in words for a person. */
export interface Issue {
  readonly where: string;
  readonly what: string;
  /** Milliseconds since the epoch, when that is known. */
  readonly since: number | null;
  /** Commands that show more, or fix it. */
  readonly help: readonly string[];
  /** A person has to do something: it does not go on by itself. */
  readonly blocked: boolean;
}
