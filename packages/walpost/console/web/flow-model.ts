import { behind, diagnoseGroup } from '../../observe/diagnose-group.ts';
import { diagnoseRelay } from '../../observe/diagnose-relay.ts';
import type { ServiceView, Snapshot } from '../snapshot.ts';
import { bytes, count, plural, rate } from './format.ts';
import { type Health, healthOf } from './health.ts';
import { keptOffsets } from './kept-offsets.ts';

/** A box of the picture: its place in the grid, what it says, how it is. */
export interface Node {
  readonly id: string;
  readonly column: number;
  readonly row: number;
  readonly title: string;
  readonly lines: readonly string[];
  readonly health: Health;
}

/** An arrow of the picture, and how much goes along it. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly perSecond: number | null;
}

export interface FlowModel {
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
}

/** What the columns are, in words for somebody who sees it for the first time. */
export const COLUMNS: readonly { readonly title: string; readonly about: string }[] = [
  {
    title: 'Intake',
    about: 'A request is answered as soon as Postgres has committed it. Nothing else is waited for.',
  },
  {
    title: 'Outbox and slot',
    about:
      'The event is a row of the same transaction. The slot remembers how far the database’s log was read, and keeps the rest.',
  },
  { title: 'Connector', about: 'Debezium, in Kafka Connect, reads the log and posts each event once.' },
  {
    title: 'Topic',
    about:
      'Kafka keeps the events, those of a key one after the other, spread over partitions. An offset is a record’s place.',
  },
  {
    title: 'Consumers',
    about: 'Each service reads as a consumer group. Behind is how many records it has still to read.',
  },
  { title: 'Effects', about: 'What each service did, once for each event, in its own database.' },
];

/**
 * Lays the system out, from where things begin: one row for each of the other services that reads something, then one for
 * each topic that they write, which the first service may read in its turn.
 */
export function flowModel(snapshot: Snapshot): FlowModel {
  const { services } = snapshot;
  const origin = services.find(({ intake }) => intake) ?? services.find(({ publishes }) => publishes);
  const others = services.filter((service) => service !== origin);
  const consumers = others.filter(({ consumes }) => consumes.length > 0);
  const answering = others.filter(({ publishes }) => publishes);
  const middle = Math.max(0, (consumers.length - 1) / 2);
  const rowOf = new Map(answering.map((service, at) => [service, consumers.length + at]));
  if (origin) rowOf.set(origin, middle);
  const nodes: Node[] = [];
  const edges: Edge[] = [];
  const addReader = (service: ServiceView, row: number, toEffect: number | null) => {
    nodes.push(...readerNodes(snapshot, service, row));
    edges.push({ from: `group ${service.name}`, to: `effect ${service.name}`, perSecond: toEffect });
    for (const topic of service.consumes) {
      // What several topics bring together is counted once; of one topic its writer knows more.
      const writer = services.find(({ publishes }) => publishes?.topic === topic);
      const perSecond = service === origin && writer ? writer.rates.outbox : service.rates.inbox;
      edges.push({ from: `topic ${topic}`, to: `group ${service.name}`, perSecond });
    }
  };

  if (origin) {
    const { inbox, outbox } = origin.rates;
    const counted = countsEffects(origin);
    const taken = counted ? origin.rates.effects : outbox;
    nodes.push({
      id: 'intake',
      column: 0,
      row: middle,
      title: `${origin.shortName[0]?.toUpperCase()}${origin.shortName.slice(1)} API`,
      lines: [rate(taken, counted ? origin.effect : 'events')],
      health: 'error' in origin.counters ? 'unknown' : 'ok',
    });
    edges.push({ from: 'intake', to: `outbox ${origin.name}`, perSecond: taken });
    const row = consumers.length + Math.max(0, (answering.length - 1) / 2);
    if (origin.consumes.length > 0) addReader(origin, row, inbox);
  }
  for (const [row, service] of consumers.entries())
    addReader(service, row, countsEffects(service) ? service.rates.effects : service.rates.inbox);
  for (const [service, row] of rowOf) {
    const { name, publishes, rates } = service;
    if (!publishes) continue;
    nodes.push(...relayNodes(snapshot, service, row));
    edges.push(
      { from: `outbox ${name}`, to: `connector ${name}`, perSecond: rates.outbox },
      { from: `connector ${name}`, to: `topic ${publishes.topic}`, perSecond: rates.outbox },
    );
  }
  return { nodes, edges };
}

/** Whether a service has counted what its work comes to: one whose migrations do not say how (`observer.effects`) stays at 0. */
function countsEffects({ counters }: ServiceView): boolean {
  if (!('value' in counters)) return true;
  const { effects, outbox, inbox } = counters.value;
  return effects > 0 || (inbox === 0 && !outbox);
}

function relayNodes(snapshot: Snapshot, service: ServiceView, row: number): Node[] {
  const { publishes, rates, counters, name, shortName } = service;
  if (!publishes) return [];
  const { slots, connectors, topics } = snapshot;
  const slot = 'value' in slots ? slots.value.find((each) => each.name === publishes.slot) : undefined;
  const connector =
    'value' in connectors ? connectors.value.find((each) => each.name === publishes.connector) : undefined;
  const topic = 'value' in topics ? topics.value.find((each) => each.name === publishes.topic) : undefined;
  const fault =
    'value' in connectors
      ? diagnoseRelay(publishes, connectors.value, 'value' in slots ? slots.value : null)
      : undefined;
  const healthOfPart = (part: string, known: boolean): Health =>
    known ? healthOf(fault?.where.startsWith(part) ? fault : undefined) : 'unknown';
  return [
    {
      id: `outbox ${name}`,
      column: 1,
      row,
      title: `${shortName} outbox`,
      lines: [
        'error' in counters ? 'database away' : rate(rates.outbox, 'events'),
        slot ? `slot lag ${bytes(slot.lagBytes)}` : 'value' in slots ? 'no slot' : 'slot not known',
      ],
      health: healthOfPart('slot', 'value' in counters && slot !== undefined),
    },
    {
      id: `connector ${name}`,
      column: 2,
      row,
      title: publishes.connector,
      lines: connector
        ? [connector.state.toLowerCase(), `task ${connector.tasks[0]?.state.toLowerCase() ?? 'missing'}`]
        : ['value' in connectors ? 'not registered' : 'Connect is away'],
      health: healthOfPart('connector', 'value' in connectors),
    },
    {
      id: `topic ${publishes.topic}`,
      column: 3,
      row,
      title: publishes.topic,
      lines: topic
        ? [plural(topic.partitions.length, 'partition'), `${count(keptOffsets(topic))} offsets kept`]
        : ['Kafka is away'],
      health: topic ? 'ok' : 'unknown',
    },
  ];
}

function readerNodes(snapshot: Snapshot, service: ServiceView, row: number): Node[] {
  const { groups, at } = snapshot;
  const { name, rates, counters, deadLetters, effect, backlog } = service;
  const group = 'value' in groups ? groups.value.find((each) => each.group === name) : undefined;
  const open = 'value' in deadLetters ? deadLetters.value.dead + deadLetters.value.parked : 0;
  const waiting = 'value' in counters ? counters.value.backlog : null;
  return [
    {
      id: `group ${name}`,
      column: 4,
      row,
      title: name,
      lines: group
        ? [
            group.members === 0 ? 'not running' : plural(group.members ?? 0, 'member'),
            `${count(behind(group).lag)} behind`,
          ]
        : ['Kafka is away'],
      health: group ? healthOf(diagnoseGroup(group, at)) : 'unknown',
    },
    {
      id: `effect ${name}`,
      column: 5,
      row,
      title: effect,
      lines: [
        'error' in counters
          ? 'database away'
          : open > 0
            ? plural(open, 'dead letter')
            : rate(rates.inbox, 'events'),
        ...(waiting && backlog ? [`${count(waiting.count)} ${backlog.replace(`${effect} `, '')}`] : []),
      ],
      health: 'error' in counters ? 'unknown' : open > 0 ? 'bad' : 'ok',
    },
  ];
}
