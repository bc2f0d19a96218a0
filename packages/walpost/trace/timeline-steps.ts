import { isOver, isRelayed, type Timeline, type TimelineEvent } from '../observe/timeline.ts';

/** One line of a timeline. */
export interface Step {
  /** Milliseconds since the epoch; null for what has not happened, or left no time. */
  readonly at: number | null;
  readonly where: string;
  readonly what: string;
  readonly state: 'done' | 'waiting' | 'failed';
  readonly traceId: string | null;
}

/** The timeline as lines in the order of their times; what has not happened comes after what it waits for. */
export function stepsOf(timeline: Timeline): Step[] {
  const steps = [
    ...timeline.effects.flatMap(({ service, rows }) =>
      rows.map(({ at, what, note, state }) => {
        const text = note === null ? what : `${what}: ${note}`;
        return {
          at: state === 'waiting' ? null : at,
          where: service,
          what: text,
          state,
          traceId: null,
          sort: state === 'waiting' ? Infinity : (at ?? Infinity),
        };
      }),
    ),
    ...timeline.misrouted.map(({ group, deadLetter: { id, state, errorCode, createdAt: at } }) => ({
      at,
      where: group,
      what: `dead letter ${id} (${state}) of a record that no outbox has: ${errorCode ?? 'parked'}`,
      state: state === 'dead' || state === 'parked' ? ('failed' as const) : ('done' as const),
      traceId: null,
      sort: at,
    })),
    ...timeline.events.flatMap((event) => stepsOfEvent(timeline, event)),
  ];
  return steps.sort((a, b) => a.sort - b.sort).map(({ sort: _sort, ...step }) => step);
}

function stepsOfEvent({ slots, kafka }: Timeline, event: TimelineEvent): (Step & { sort: number })[] {
  const { type, version, writtenAt, traceId, record, topic } = event;
  const relayed = isRelayed(event);
  const slot = slots?.find(({ name }) => name === event.slot);
  // A fraction more than the time of what comes before: equal times stay in this sequence.
  let before = writtenAt;
  const step = (at: number | null, where: string, what: string, state: Step['state']) => {
    const sort = Math.max(before, at ?? before) + 0.01;
    return { at, where, what, state, traceId, sort };
  };
  const next = (...given: Parameters<typeof step>) => {
    const made = step(...given);
    before = made.sort;
    return made;
  };
  const position = slot?.confirmedLsn ? `, which is confirmed up to ${slot.confirmedLsn} by now` : '';
  return [
    next(writtenAt, event.service, `${type} v${version} written into the outbox`, 'done'),
    relayed
      ? next(null, `slot ${event.slot}`, `read from the log${position}`, 'done')
      : next(null, `slot ${event.slot}`, `not known to be read from the log${position}`, 'waiting'),
    record
      ? next(record.at, `${topic}/${record.partition}@${record.offset}`, `${type} in the topic`, 'done')
      : next(null, topic, topicText(type, relayed, kafka), relayed ? 'done' : 'waiting'),
    ...event.deliveries.map((delivery) => {
      const { group, handledAt, deadLetter, known } = delivery;
      if (deadLetter && deadLetter.state !== 'discarded') {
        const why =
          deadLetter.state === 'dead'
            ? `dead letter ${deadLetter.id}: ${deadLetter.errorCode}`
            : 'parked behind a dead letter';
        return step(deadLetter.createdAt, group, `${type}: ${why}`, 'failed');
      }
      if (deadLetter)
        return step(
          deadLetter.settledAt,
          group,
          `${type}: dead letter discarded, ${deadLetter.discardReason}`,
          'done',
        );
      if (handledAt !== null) return step(handledAt, group, `${type} handled once (inbox)`, 'done');
      if (isOver(delivery)) return step(null, group, `${type} handled, the inbox row is gone by now`, 'done');
      return step(
        null,
        group,
        known ? `${type} not handled yet` : `${type}: its database does not say`,
        'waiting',
      );
    }),
  ];
}

function topicText(type: string, relayed: boolean, kafka: boolean): string {
  if (!kafka) return `${type}: Kafka does not answer`;
  return relayed ? `${type} was in the topic, and is gone by retention` : `${type} not in the topic yet`;
}
