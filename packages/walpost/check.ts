import { reason } from '@walpost/kit/contract/errors';

/** One line of `walpost doctor`. */
export interface Check {
  readonly what: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly text: string;
  /** Commands that show more, or fix it. */
  readonly help: readonly string[];
}

export function ok(what: string, text: string): Check {
  return { what, state: 'ok', text, help: [] };
}

export function warn(what: string, text: string, ...help: string[]): Check {
  return { what, state: 'warn', text, help };
}

export function fail(what: string, text: string, ...help: string[]): Check {
  return { what, state: 'fail', text, help };
}

/** The first line of what went wrong, at its root: drivers wrap the server's word. */
export function rootReason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return rootReason(error.errors[0]);
  const { cause, code } = error as { cause?: unknown; code?: unknown };
  if (cause !== undefined) return rootReason(cause);
  return reason(error) || String(code);
}
