import type { GroupProgress } from '@walpost/kit/observe/describe-group';
import type { TopicView } from '@walpost/kit/observe/kafka-view';
import type { Source } from '@walpost/kit/observe/observed-service';
import type { ConnectorView } from '@walpost/kit/observe/read-connectors';
import type { Counters } from '@walpost/kit/observe/read-counters';
import type { LetterView } from '@walpost/kit/observe/read-letters';
import type { Slot } from '@walpost/kit/observe/read-slots';

/** Rows a second, over the last few seconds; null until two readings tell. */
export interface Rates {
  readonly outbox: number | null;
  readonly inbox: number | null;
  readonly effects: number | null;
}

export interface ServiceView {
  readonly name: string;
  readonly shortName: string;
  readonly consumes: readonly string[];
  readonly publishes: { readonly topic: string; readonly connector: string; readonly slot: string } | null;
  readonly effect: string;
  readonly backlog: string | null;
  readonly counters: Source<Counters>;
  readonly rates: Rates;
  readonly letters: Source<{
    readonly letters: readonly LetterView[];
    readonly dead: number;
    readonly parked: number;
  }>;
}

export interface OrderHead {
  readonly id: string;
  readonly status: string;
  readonly at: number;
}

/** Something that is not as it should be. */
export interface Concern {
  readonly where: string;
  readonly what: string;
  /** Milliseconds since the epoch, when that is known. */
  readonly since: number | null;
  readonly help: string | null;
}

export interface LoadState {
  readonly perSecond: number;
  readonly placed: number;
  readonly failed: number;
  readonly error: string | null;
  /** When it ends by itself, ms since the epoch; null when it does not run. */
  readonly endsAt: number | null;
}

export interface ScenarioState {
  readonly list: readonly { readonly name: string; readonly summary: string }[];
  /** Why there is no list. */
  readonly unavailable: string | null;
  readonly running: string | null;
}

/** The whole system at one moment; each source says for itself when it cannot be asked. */
export interface Snapshot {
  readonly at: number;
  readonly services: readonly ServiceView[];
  readonly slots: Source<readonly Slot[]>;
  readonly connectors: Source<readonly ConnectorView[]>;
  readonly topics: Source<readonly TopicView[]>;
  readonly groups: Source<readonly GroupProgress[]>;
  readonly orders: Source<{ readonly latest: readonly OrderHead[]; readonly pending: readonly OrderHead[] }>;
  readonly concerns: readonly Concern[];
  readonly load: LoadState;
  readonly scenario: ScenarioState;
  /** Whether a token is set at all. */
  readonly changeable: boolean;
  /** Where a trace is to be seen, with {traceId} in it. */
  readonly traceUrl: string | null;
}
