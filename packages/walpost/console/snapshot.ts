import type { Issue, ServiceState, SystemView } from '../observe/system-view.ts';

/** Rows a second, over the last few seconds; null until there are two readings. */
export interface Rates {
  readonly outbox: number | null;
  readonly inbox: number | null;
  readonly effects: number | null;
}

/** A service as the page shows it. */
export interface ServiceView extends ServiceState {
  readonly effect: string;
  readonly backlog: string | null;
  readonly consumes: readonly string[];
  /** Whether things begin here. */
  readonly intake: boolean;
  readonly rates: Rates;
}

export interface LoadState {
  readonly perSecond: number;
  readonly placed: number;
  readonly failed: number;
  readonly error: string | null;
  /** When it ends by itself, ms since the epoch; null when it is not running. */
  readonly endsAt: number | null;
}

/** The whole system at one moment, and what the console itself does. */
export interface Snapshot extends SystemView {
  readonly services: readonly ServiceView[];
  readonly issues: readonly Issue[];
  /** Null where no service has a sample request. */
  readonly load: LoadState | null;
  /** Whether a token is set at all. */
  readonly changeable: boolean;
  /** Where a trace is to be seen, with {traceId} in it. */
  readonly traceUrl: string | null;
  /** The command before a concept's name that shows it running. */
  readonly scenario: string | null;
}
