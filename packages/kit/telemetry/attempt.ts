import pTimeout from 'p-timeout';
import { messageOf } from './describe-error.ts';

/** What one source says, or why it says nothing: whoever shows it shows that in its place. */
export type Source<T> = { readonly value: T } | { readonly error: string };

/**
 * Asks one source. What goes wrong with it is its answer, in one line.
 *
 * @param what names the source in that line, e.g. `database shipment`
 * @param within how long it may take, ms: one that hangs must not hold back the others
 */
export async function attempt<T>(what: string, ask: () => Promise<T>, within = 10_000): Promise<Source<T>> {
  try {
    const message = `no answer within ${within / 1000} s`;
    return { value: await pTimeout(ask(), { milliseconds: within, message }) };
  } catch (error) {
    return { error: `${what}: ${messageOf(error)}` };
  }
}
