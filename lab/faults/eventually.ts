import { eventually as tries } from 'walpost/testing/eventually';

/** `eventually` as faults say it: what they do, which its error names, and for how many seconds they try, come first. */
export function eventually<T>(
  what: string,
  seconds: number,
  step: () => Promise<T | undefined>,
  every = 250,
): Promise<T> {
  return tries(step, seconds, { what, every });
}
