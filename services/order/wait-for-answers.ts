/**
 * How long orders wait for their answers, counted by a steady clock: neither a database clock that jumps days ahead nor
 * one that is set back makes a fresh order overdue, and after a start nothing is until answers had their time to be read.
 *
 * @param withinMs how long an order may wait
 * @param steady milliseconds that never jump
 * @returns takes the time of the database's clock, once for each look, and answers before which time an order must have
 *   been placed to be overdue; undefined while the looks began less than `withinMs` ago
 */
export function waitForAnswers(
  withinMs: number,
  steady: () => number = () => performance.now(),
): (now: Date) => Date | undefined {
  const looks: { at: number; time: number }[] = [];
  return (now) => {
    const at = steady();
    looks.push({ at, time: now.getTime() });
    // The last look of those that are long enough ago stays, the ones before it are not needed any more.
    const young = looks.findIndex((look) => look.at > at - withinMs);
    looks.splice(0, young - 1);
    const [first] = looks;
    if (!first || first.at > at - withinMs) return undefined;
    return new Date(Math.min(first.time, now.getTime() - withinMs));
  };
}
