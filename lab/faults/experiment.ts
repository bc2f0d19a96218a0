import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from 'walpost/stack/stack-error';
import { diagnose } from './check/checks.ts';
import type { Finding } from './check/finding.ts';
import { collect, readStock } from './collect.ts';
import type { Evidence } from './evidence.ts';
import { heal, waitUntilIdle } from './heal.ts';
import { createDamage, type Inflicted, inflict } from './inflict.ts';
import { type Lab, openLab } from './lab.ts';
import { startLoad } from './load.ts';
import { describeFault, type Fault } from './plan.ts';
import { type Sample, startWatch } from './watch.ts';

/** One run of the lab. */
export interface Experiment {
  readonly seed: number;
  readonly plan: readonly Fault[];
  readonly orders: number;
  /** Orders a second. */
  readonly rate: number;
  /** How long the system may take to become idle afterwards, s. */
  readonly timeoutS: number;
}

/** What came of it. */
export interface Outcome {
  readonly evidence: Evidence;
  readonly inflicted: readonly Inflicted[];
  /** What could grow, from the first order until the system is idle. */
  readonly samples: readonly Sample[];
  /** By check, what breaks it. */
  readonly findings: ReadonlyMap<string, readonly Finding[]>;
  /** What the lab itself could not do: a part that did not come back, a system that did not become idle. */
  readonly troubles: readonly string[];
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** The exit code of a program that was interrupted. */
const INTERRUPTED = 130;

/**
 * After which the relay may send rows again; the inbox drops them. A lost slot or connector by design, a broker that
 * comes back by a fault of Kafka's (docs/decisions/0016-end-hanging-transactions.md).
 */
const mayRepeat = ({ kind, target }: Fault) =>
  kind === 'slot-drop' || kind === 'connector-delete' || target === 'kafka';

/**
 * Starts a system of its own, loads it, inflicts the faults, heals it, waits until it is idle and checks what is there.
 *
 * @param say gets a line for what happens
 */
export async function experiment(plan: Experiment, say: (line: string) => void): Promise<Outcome> {
  let lab: Lab | undefined;
  let stopping = false;
  // What the experiment still waits for would keep the process alive, and never comes any more.
  const end = () => void lab?.close().finally(() => process.exit(INTERRUPTED));
  const stop = () => {
    if (stopping) return;
    stopping = true;
    say(lab ? 'Stopping.' : 'Stopping, as soon as everything has started.');
    end();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    lab = await openLab();
    // It has been told to stop in the meantime: `end` ends the process too.
    if (stopping) return await new Promise<never>(end);
    return await conduct(lab, plan, say);
  } finally {
    await lab?.close();
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

async function conduct(
  lab: Lab,
  { seed, plan, orders, rate, timeoutS }: Experiment,
  say: (line: string) => void,
) {
  const before = await readStock(lab);
  const giveUp = new AbortController();
  const url = `http://127.0.0.1:${lab.env['ORDER_PORT']}`;
  const { asks, done } = startLoad({ url, seed, orders, rate, giveUp: giveUp.signal });
  const damage = createDamage(() => asks.findLast(({ ids }) => ids.length > 0)?.ids[0]);
  const watch = startWatch(lab);
  const begun = Date.now();
  const seconds = () => `${((Date.now() - begun) / 1000).toFixed(1).padStart(6)} s`;
  const troubles: string[] = [];

  const inflicted = await Promise.all(
    plan.map(async (fault): Promise<Inflicted[]> => {
      await delay(Math.max(0, begun + fault.at - Date.now()));
      say(`${seconds()}  ${describeFault(fault)}`);
      try {
        const done = await inflict(lab, fault, damage);
        say(
          `${seconds()}  #${fault.number} ${done.skipped === undefined ? 'is over' : `left out: ${done.skipped}`}`,
        );
        return [done];
      } catch (error) {
        troubles.push(`${describeFault(fault)}: ${messageOf(error)}`);
        say(`${seconds()}  ${troubles.at(-1)}`);
        return [];
      }
    }),
  );
  const remedies = await heal(lab);
  troubles.push(...remedies);
  const timer = setTimeout(() => giveUp.abort(), timeoutS * 1000);
  await done;
  clearTimeout(timer);
  say(`${seconds()}  ${asks.length} orders asked for, ${plan.length} faults over; waiting for rest`);

  const repeats = plan.some(mayRepeat);
  const { placed, planted, attempts, stalls } = damage;
  const journal = { asks: [...asks, ...placed], planted, attempts, stalls, repeats };
  const restless = await waitUntilIdle(lab, journal.planted);
  if (restless !== undefined) troubles.push(restless);
  await watch.stop();
  const evidence = await collect(lab, journal, before);
  say(`${seconds()}  idle`);
  return {
    evidence,
    inflicted: inflicted.flat(),
    samples: watch.samples,
    findings: diagnose(evidence),
    troubles,
  };
}
