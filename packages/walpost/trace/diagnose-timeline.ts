import { SLOW_AFTER_MS, START } from '../observe/diagnose-group.ts';
import { diagnoseRelay } from '../observe/diagnose-relay.ts';
import { openSince, transactionHelp, transactionText } from '../observe/open-transactions.ts';
import { shellWord } from '../observe/shell-word.ts';
import type { Issue } from '../observe/system-view.ts';
import { type Delivery, isOver, isRelayed, type Timeline, type TimelineEvent } from '../observe/timeline.ts';

/** One thing that keeps a key's events from going on. */
export interface Finding extends Issue {
  /** When they got there, ms since the epoch. */
  readonly since: number;
}

/**
 * - `unknown`: nobody has heard of this key
 * - `finished`: everything that is to happen has happened
 * - `moving`: something is under way, and has not been for long
 * - `stuck`: something waits for a person, or for too long
 */
export interface Verdict {
  readonly state: 'unknown' | 'finished' | 'moving' | 'stuck';
  readonly findings: readonly Finding[];
}

type DeadLetter = Timeline['misrouted'][number];

/** Says where a key's events are, what keeps them there and which command helps; the first finding is the earliest cause. */
export function diagnoseTimeline(timeline: Timeline, now: number): Verdict {
  const rows = timeline.effects.flatMap(({ rows }) => rows);
  const isKnown = [timeline.events, timeline.misrouted, rows].some(({ length }) => length > 0);
  if (!isKnown) return { state: 'unknown', findings: [] };
  const findings = [
    ...timeline.misrouted.flatMap((each) => diagnoseDeadLetter('a record of no outbox', each)),
    ...timeline.events.flatMap((event) => diagnoseEvent(timeline, event, now)),
    ...timeline.effects.flatMap(({ service, rows }) =>
      rows.flatMap(({ what, note, at, state, help }) => {
        const isFailed = state === 'failed';
        if (!isFailed && (state !== 'waiting' || note === null)) return [];
        const text = note === null ? what : `${what}: ${note}`;
        return [
          { where: service, what: text, since: at ?? now, help: help ? [help] : [], blocked: isFailed },
        ];
      }),
    ),
  ];
  const isStuck = findings.some(({ blocked, since }) => blocked || now - since > SLOW_AFTER_MS);
  if (isStuck) return { state: 'stuck', findings };
  const isWaiting = findings.length > 0 || rows.some(({ state }) => state === 'waiting');
  return { state: isWaiting ? 'moving' : 'finished', findings };
}

function diagnoseEvent(timeline: Timeline, event: TimelineEvent, now: number): Finding[] {
  if (!isRelayed(event)) return timeline.kafka ? [diagnoseUnseen(timeline, event, now)] : [];
  return event.deliveries.flatMap((delivery) => {
    const { deadLetter } = delivery;
    if (deadLetter) return diagnoseDeadLetter(event.type, { ...delivery, deadLetter });
    if (isOver(delivery) || !delivery.known || !timeline.kafka) return [];
    return [diagnoseGroup(timeline, event, delivery)];
  });
}

/** The event may be in the topic behind a transaction that is open; for a moment each of the relay's is. */
function diagnoseUnseen(timeline: Timeline, event: TimelineEvent, now: number): Finding {
  const { type, topic, writtenAt } = event;
  const open = timeline.openTransactions.find(
    (each) => each.topic === topic && now - openSince(each) > SLOW_AFTER_MS,
  );
  if (!open) return diagnoseRelayOf(timeline, event);
  return {
    where: `topic ${topic}`,
    what: `${type} is in the outbox, and whether it is in ${topic} cannot be seen: ${transactionText(open)}`,
    since: Math.max(writtenAt, openSince(open)),
    help: transactionHelp(open),
    blocked: open.hanging,
  };
}

/** The event is in the outbox and not in the topic: the slot or the connector is at fault, or it is on its way. */
function diagnoseRelayOf({ slots, connectors }: Timeline, event: TimelineEvent): Finding {
  const { connector, topic, type, writtenAt: since } = event;
  const waits = `${type} is in the outbox and not in ${topic}`;
  const help = ['npx walpost connectors status'];
  const at = { where: `connector ${connector}`, since, help };
  if (connectors === null) return { ...at, what: `${waits}: Kafka Connect does not answer`, blocked: true };
  const fault = diagnoseRelay(event, connectors, slots);
  if (!fault) return { ...at, what: `${waits} yet`, blocked: false };
  return { ...fault, what: `${waits}: ${fault.what}`, since };
}

function diagnoseDeadLetter(type: string, { deadLetter, group, shortName }: DeadLetter): Finding[] {
  const { id, key, state, createdAt: since } = deadLetter;
  const at = { where: group, since, blocked: true };
  const service = `--service ${shortName}`;
  if (state === 'parked') {
    const help = [`npx walpost dead-letters list --key ${shellWord(key ?? '')}`];
    return [{ ...at, what: `${type} is parked behind an earlier dead letter of this key`, help }];
  }
  if (state !== 'dead') return [];
  const help = [
    `npx walpost dead-letters show ${id} ${service}`,
    `npx walpost dead-letters replay --id ${id} ${service} --yes`,
  ];
  return [
    {
      ...at,
      what: `${type} is dead letter ${id}: ${deadLetter.errorCode}: ${deadLetter.errorMessage}`,
      help,
    },
  ];
}

function diagnoseGroup({ groups }: Timeline, event: TimelineEvent, { group }: Delivery): Finding {
  const { type, topic, record } = event;
  const at = { where: group, since: record?.at ?? event.writtenAt };
  const help = [`npx walpost groups describe ${group}`];
  const found = groups.find((each) => each.group === group);
  if (found?.members === 0) {
    const what = `${type} waits in ${topic}: ${group} is not running, its group has no member`;
    return { ...at, what, help: [START, ...help], blocked: true };
  }
  const lag = found ? `, ${found.lag} records behind` : '';
  return {
    ...at,
    what: `${type} waits in ${topic}: ${group} has not come to it${lag}`,
    help,
    blocked: false,
  };
}
