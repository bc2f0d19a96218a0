import { behind, diagnoseGroup } from '../../observe/diagnose-group.ts';
import { diagnoseRelay } from '../../observe/diagnose-relay.ts';
import type { ServiceView, Snapshot } from '../snapshot.ts';
import { bytes, count, plural, rate } from './format.ts';
import { type Health, healthOf } from './parts.tsx';
import { keptOffsets } from './topics.tsx';

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
    about: 'An order is answered as soon as Postgres has committed it. Nothing else is waited for.',
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
      'Kafka keeps the events, in order for each order, spread over partitions. An offset is a record’s place.',
  },
  {
    title: 'Consumers',
    about: 'Each service reads as a consumer group. Behind is how many records it has still to read.',
  },
  { title: 'Effects', about: 'What each service did, once for each event, in its own database.' },
];

/** Lays the system out: one row for each consumer of the orders, then one for each topic of answers. */
export function flowModel(snapshot: Snapshot): FlowModel {
  const { services } = snapshot;
  const origin = services.find(({ intake }) => intake) ?? services.find(({ publishes }) => publishes);
  const others = services.filter((service) => service !== origin);
  const answering = others.filter(({ publishes }) => publishes);
  const nodes: Node[] = [];
  const edges: Edge[] = [];
  const consumers = others.map((service, row) => ({ service, row }));
  const middle = (consumers.length - 1) / 2;
  const add = (service: ServiceView, row: number) => {
    if (!service.publishes) return;
    nodes.push(...relayNodes(snapshot, service, row));
    const { outbox } = service.rates;
    edges.push(
      { from: `outbox ${service.name}`, to: `connector ${service.name}`, perSecond: outbox },
      { from: `connector ${service.name}`, to: `topic ${service.publishes.topic}`, perSecond: outbox },
    );
  };

  if (origin) {
    const { effects } = origin.rates;
    const isAway = 'error' in origin.counters;
    nodes.push({
      id: 'intake',
      column: 0,
      row: middle,
      title: `${origin.shortName[0]?.toUpperCase()}${origin.shortName.slice(1)} API`,
      lines: [rate(effects, origin.effect)],
      health: isAway ? 'unknown' : 'ok',
    });
    edges.push({ from: 'intake', to: `outbox ${origin.name}`, perSecond: effects });
    add(origin, middle);
    const row = consumers.length + (answering.length - 1) / 2;
    nodes.push(...readerNodes(snapshot, origin, row));
    edges.push({ from: `group ${origin.name}`, to: `effect ${origin.name}`, perSecond: origin.rates.inbox });
  }
  for (const { service, row } of consumers) {
    nodes.push(...readerNodes(snapshot, service, row));
    const { inbox, effects } = service.rates;
    edges.push({ from: `group ${service.name}`, to: `effect ${service.name}`, perSecond: effects });
    for (const topic of service.consumes)
      edges.push({ from: `topic ${topic}`, to: `group ${service.name}`, perSecond: inbox });
  }
  for (const [at, service] of answering.entries()) {
    add(service, consumers.length + at);
    if (origin && service.publishes) {
      const { outbox } = service.rates;
      edges.push({ from: `topic ${service.publishes.topic}`, to: `group ${origin.name}`, perSecond: outbox });
    }
  }
  return { nodes, edges };
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
