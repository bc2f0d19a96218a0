import { diagnoseGroup, SLOW_AFTER_MS, START } from './diagnose-group.ts';
import { diagnoseRelay } from './diagnose-relay.ts';
import { shellWord } from './shell-word.ts';
import type { Issue, ServiceState, SystemView } from './system-view.ts';

/** Milliseconds. */
const DAY = 86_400_000;
/** A slot confirms with each heartbeat of its connector, every 10 s; several of them may be late, ms. */
const CONFIRMED_WITHIN = 30_000;

/** Says what is wrong with the system, the cause before what follows from it. */
export function diagnoseSystem(system: SystemView): Issue[] {
  const { at, services, slots, connectors, groups } = system;
  const relays =
    'value' in connectors
      ? services.map(({ publishes }) =>
          publishes
            ? inOutbox(diagnoseRelay(publishes, connectors.value, 'value' in slots ? slots.value : null))
            : undefined,
        )
      : [];
  const consumers = 'value' in groups ? groups.value.map((group) => diagnoseGroup(group, at)) : [];
  const rest = [
    ...relays,
    ...consumers,
    ...services.map(diagnoseDeadLetters),
    ...services.map(diagnoseRefused),
    ...services.map((each) => diagnoseOutbox(each, at)),
    diagnosePending(system),
  ];
  return [...unasked(system), ...rest.filter((issue) => issue !== undefined)];
}

function inOutbox(issue: Issue | undefined): Issue | undefined {
  return issue && { ...issue, what: `events stay in the outbox: ${issue.what}` };
}

/** Who cannot be asked, and why; those with the same reason in one line. */
function unasked({ services, slots, connectors, groups, topics, heads }: SystemView): Issue[] {
  const databases = services.map(({ counters, deadLetters }) =>
    'error' in counters ? counters : deadLetters,
  );
  const byReason = new Map<string, Set<string>>();
  for (const source of [...databases, slots, heads, connectors, groups, topics]) {
    if (!source || !('error' in source)) continue;
    const [where = '', ...rest] = source.error.split(': ');
    const reason = rest.join(': ');
    byReason.set(reason, (byReason.get(reason) ?? new Set()).add(where));
  }
  return [...byReason].map(([what, where]) => ({
    where: [...where].join(', '),
    what,
    since: null,
    help: ['npx walpost doctor', START],
    blocked: true,
  }));
}

/** Says that events wait long for their slot, or rows have no partition of their day. @returns undefined when neither */
export function diagnoseOutbox({ name, outbox }: ServiceState, now: number): Issue | undefined {
  if (!outbox || !('value' in outbox)) return undefined;
  const { lastDay, strayRows, oldestUnconfirmed: since } = outbox.value;
  const at = { where: `outbox of ${name}`, since: null, help: ['npx walpost outbox status'], blocked: false };
  if (since !== null && now - since > CONFIRMED_WITHIN)
    return { ...at, since, what: 'its oldest event has not been confirmed by the slot' };
  if (lastDay === null || Date.parse(lastDay) + DAY < now)
    return {
      ...at,
      what: 'today has no partition: rows go to the default one, and are never dropped',
    };
  if (strayRows === 0) return undefined;
  return {
    ...at,
    what: `${strayRows} rows are in the default partition, because their daily partition is missing`,
  };
}

/** Says that dead letters wait. @returns undefined when there are none, or nobody could ask */
export function diagnoseDeadLetters({
  name,
  shortName,
  deadLetters: source,
}: ServiceState): Issue | undefined {
  if (!('value' in source) || source.value.dead + source.value.parked === 0) return undefined;
  const { dead, parked, deadLetters: open } = source.value;
  const behindThem = parked > 0 ? `, and ${parked} parked behind` : '';
  return {
    where: name,
    what: `${dead} ${dead === 1 ? 'dead letter waits' : 'dead letters wait'} for a person${behindThem}`,
    since: open[0]?.createdAt ?? null,
    help: [`npx walpost dead-letters list --service ${shortName}`],
    blocked: true,
  };
}

/** Says that work was refused for good. @returns undefined when none was, or nobody could ask */
export function diagnoseRefused({ name, counters }: ServiceState): Issue | undefined {
  if (!('value' in counters) || counters.value.refused === null) return undefined;
  const { count, label, retry } = counters.value.refused;
  const what = `${label} that were refused for good: ${count}; they are tried again when a person says so`;
  return { where: name, what, since: null, help: [retry], blocked: true };
}

/** Says that a key waits for long. @returns undefined when none does, or nobody could ask */
export function diagnosePending({ at, heads }: SystemView): Issue | undefined {
  if (!heads || !('value' in heads)) return undefined;
  const [oldest] = heads.value.pending;
  if (!oldest || at - oldest.at <= SLOW_AFTER_MS) return undefined;
  return {
    where: heads.value.effect,
    what: `${oldest.key} has been pending for ${Math.round((at - oldest.at) / 1000)} s`,
    since: oldest.at,
    help: [`npx walpost trace ${shellWord(oldest.key)}`],
    blocked: false,
  };
}
