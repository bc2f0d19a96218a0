import { parseArgs } from 'node:util';
import { messageOf, StackError } from 'walpost/stack/stack-error';
import type { Experiment } from './experiment.ts';
import { type KindName, kindNames, makePlan } from './plan.ts';

/** How the lab is called. */
export const usage = `npm run faults -- [--seed N] [--faults F] [--events E] [--rate R] [--longest S] [--kinds a,b] [--only 1,2] [--shrink]

  --seed      what the schedule and the load follow from (1)
  --faults    how many faults (20)
  --events    about how many events, four an order (2400)
  --rate      orders a second (8)
  --longest   the longest that a fault may last, s (40)
  --kinds     only faults of these kinds, e.g. kill,slot-drop (docs/reliability.md lists them)
  --only      only the faults with these numbers of the schedule
  --shrink    when it fails, look for fewer faults that still fail
  --report    a file for all findings, as JSON
  --quick     the fixed seeds that CI runs`;

export interface Options extends Experiment {
  readonly events: number;
  readonly longest: number;
  readonly faults: number;
  readonly kinds: readonly KindName[];
  readonly shrinks: boolean;
  readonly report: string | undefined;
}

/** Events that an order has when all goes well. */
const EVENTS_AN_ORDER = 4;
/** The load goes on for a while after the last fault, so that each is followed by events, s. */
const TAIL_S = 20;

/** How long the system may take to become idle, s, and how fast it works off a backlog at the least. */
const MIN_TIMEOUT_S = 300;
const EVENTS_HANDLED_A_SECOND = 500;

/** Reads the command line. @throws StackError for what it does not know */
export function readOptions(args: readonly string[]): Options {
  const { values } = parsed(args);
  const quick = values.quick ?? false;
  const number = (
    name: 'seed' | 'faults' | 'events' | 'rate' | 'longest',
    fallback: number,
    least: number,
  ) => {
    const text = values[name];
    const value = text === undefined ? fallback : Number(text);
    if (Number.isFinite(value) && value >= least && (name === 'rate' || Number.isInteger(value)))
      return value;
    throw new StackError(`--${name} ${text}: give a number from ${least} on.\n\n${usage}`);
  };
  const seed = number('seed', quick ? QUICK.seed : 1, 0);
  const faults = number('faults', quick ? QUICK.faults : 20, 0);
  const events = number('events', quick ? QUICK.events : 2_400, 1);
  const rate = number('rate', quick ? QUICK.rate : 8, 0.1);
  const longest = number('longest', quick ? QUICK.longest : 40, 1);
  const orders = Math.ceil(events / EVENTS_AN_ORDER);
  const span = Math.max(1_000, (orders / rate - TAIL_S) * 1000);
  const kinds = values.kinds === undefined ? kindNames : values.kinds.split(',').map(kindCalled);
  const plan = makePlan(seed, faults, span, longest, kinds);
  const only = values.only?.split(',').map(Number);
  const unknown = only?.find((each) => !plan.some(({ number }) => number === each));
  if (unknown !== undefined)
    throw new StackError(`--only: the schedule has no fault ${unknown}.\n\n${usage}`);
  return {
    seed,
    faults,
    kinds,
    events,
    rate,
    longest,
    orders,
    plan: plan.filter(({ number }) => only === undefined || only.includes(number)),
    timeoutS: MIN_TIMEOUT_S + events / EVENTS_HANDLED_A_SECOND,
    shrinks: values.shrink ?? false,
    report: values.report,
  };
}

function kindCalled(name: string): KindName {
  const kind = kindNames.find((each) => each === name);
  if (kind === undefined)
    throw new StackError(`--kinds: there is no ${name}, only ${kindNames.join(', ')}.\n\n${usage}`);
  return kind;
}

/** A schedule in which every kind comes once, in the time that CI has. */
const QUICK = { seed: 330_722, faults: kindNames.length, events: 1_400, rate: 6, longest: 5 };

/** The command that runs the same with these faults only. */
export function commandOf(
  { seed, faults, events, rate, longest, kinds }: Options,
  only: readonly number[],
): string {
  const drawn = kinds.length < kindNames.length ? ` --kinds ${kinds.join(',')}` : '';
  const options = `--seed ${seed} --faults ${faults} --events ${events} --rate ${rate} --longest ${longest}${drawn}`;
  return `npm run faults -- ${options} --only ${only.join(',')}`;
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: text,
        faults: text,
        events: text,
        rate: text,
        longest: text,
        kinds: text,
        only: text,
        report: text,
        shrink: flag,
        quick: flag,
      },
    });
  } catch (error) {
    throw new StackError(`${messageOf(error)}\n\n${usage}`);
  }
}
