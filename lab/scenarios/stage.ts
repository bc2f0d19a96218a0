import { eventually } from 'walpost/testing/eventually';
import type { TestStack } from 'walpost/testing/test-stack';

/** A concept, seen running. */
export interface Scenario {
  name: string;
  /** What it shows, in one line. */
  summary: string;
  /** What a reader may guess before it plays. */
  question: string;
  /** The parts of the native stack that it needs, as `testStack` takes them. */
  parts: readonly string[];
  /** Does it and tells of it; throws when something is not as it says. */
  play(stage: Stage): Promise<void>;
}

/** What a scenario runs on, and how it speaks. Every method ends the scenario once it is interrupted. */
export interface Stage {
  stack: TestStack;
  /** Says what happens next. */
  say(line: string): void;
  /** Says what was found, with its figures; throws a ScenarioError when it does not hold. */
  show(claim: string, holds: boolean): void;
  /** Waits for an outcome: asks until the answer is neither undefined nor an error, two minutes at most. */
  eventually<T>(what: string, probe: () => Promise<T | undefined>): Promise<T>;
  /** Registers a release; they run when the scenario is over, the last one first. */
  defer(release: () => unknown): void;
}

/** Something is not as the scenario says. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

const TIMEOUT_S = 120;
const POLL_MS = 50;

/**
 * Plays a scenario on a stack that has its parts.
 *
 * @param tell is given each line
 * @param signal ends it at its next step
 * @returns how many claims were shown
 * @throws {ScenarioError} for a claim that does not hold; and whatever the scenario throws
 */
export async function play(
  scenario: Scenario,
  stack: TestStack,
  report: (line: string) => void,
  signal: AbortSignal = new AbortController().signal,
): Promise<number> {
  const releases: (() => unknown)[] = [];
  let shown = 0;
  const stage: Stage = {
    stack,
    say(line) {
      signal.throwIfAborted();
      report(line);
    },
    show(claim, holds) {
      signal.throwIfAborted();
      if (!holds) throw new ScenarioError(`${scenario.name}: not so: ${claim}`);
      shown += 1;
      report(`  ✔ ${claim}`);
    },
    async eventually(what, probe) {
      try {
        const options = { what: `${scenario.name}: ${what}`, every: POLL_MS, signal };
        return await eventually(probe, TIMEOUT_S, options);
      } catch (error) {
        signal.throwIfAborted();
        const { message, cause } = error as Error;
        throw new ScenarioError(message, { cause });
      }
    },
    defer: (release) => releases.push(release),
  };
  try {
    await scenario.play(stage);
  } finally {
    for (const release of releases.reverse()) await release();
  }
  return shown;
}
