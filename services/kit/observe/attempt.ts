import { messageOf } from '../describe-error.js';
import type { Source } from './observed-service.js';

/**
 * Asks one source. What goes wrong with it is its answer, in one line.
 *
 * @param what names the source in that line, e.g. `database orders`
 * @param within how long it may take, ms: one that hangs must not hold back the others
 */
export async function attempt<T>(what: string, ask: () => Promise<T>, within = 10_000): Promise<Source<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${within / 1000} s`)), within);
  });
  try {
    return { value: await Promise.race([ask(), late]) };
  } catch (error) {
    return { error: `${what}: ${messageOf(error)}` };
  } finally {
    clearTimeout(timer);
  }
}
