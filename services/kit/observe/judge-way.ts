import { type Delivery, isOver, isRelayed, type OrderWay, type WayEvent } from './order-way.js';

/** One thing that keeps an order from going on. */
export interface Finding {
  readonly where: string;
  readonly what: string;
  /** When the order got there, ms since the epoch. */
  readonly since: number;
  /** Commands that tell more, or mend it. */
  readonly help: readonly string[];
  /** A person has to do something: it does not go on by itself. */
  readonly blocked: boolean;
}

/**
 * - `unknown`: nobody has heard of this order
 * - `finished`: everything that is to happen has happened
 * - `moving`: something is under way, and has not been for long
 * - `stuck`: something waits for a person, or for too long
 */
export interface Verdict {
  readonly state: 'unknown' | 'finished' | 'moving' | 'stuck';
  readonly findings: readonly Finding[];
}

type Letter = OrderWay['strays'][number];

/** Waiting longer than this is being stuck, ms. */
const PATIENCE = 10_000;

/** Says where an order is, what keeps it there and which command helps; the first finding is the earliest cause. */
export function judgeWay(way: OrderWay, now: number): Verdict {
  const rows = way.effects.flatMap(({ rows }) => rows);
  if (way.events.length === 0 && rows.length === 0) return { state: 'unknown', findings: [] };
  const findings = [
    ...way.strays.flatMap((stray) => judgeLetter('a record of no outbox', stray)),
    ...way.events.flatMap((event) => judgeEvent(way, event)),
    ...way.effects.flatMap(({ service, rows }) =>
      rows.flatMap(({ what, note, at, state }) =>
        state === 'waiting' && note !== null
          ? [{ where: service, what: `${what}: ${note}`, since: at ?? now, help: [], blocked: false }]
          : [],
      ),
    ),
  ];
  const isStuck = findings.some(({ blocked, since }) => blocked || now - since > PATIENCE);
  if (isStuck) return { state: 'stuck', findings };
  const isWaiting = findings.length > 0 || rows.some(({ state }) => state === 'waiting');
  return { state: isWaiting ? 'moving' : 'finished', findings };
}

function judgeEvent(way: OrderWay, event: WayEvent): Finding[] {
  if (!isRelayed(event)) return way.kafka ? [judgeRelay(way, event)] : [];
  return event.deliveries.flatMap((delivery) => {
    const { letter } = delivery;
    if (letter) return judgeLetter(event.type, { ...delivery, letter });
    if (isOver(delivery) || !delivery.known || !way.kafka) return [];
    return [judgeGroup(way, event, delivery)];
  });
}

/** The event is in the outbox and not in the topic: the slot or the connector is at fault, or it is on its way. */
function judgeRelay({ slots, connectors }: OrderWay, event: WayEvent): Finding {
  const { connector: name, topic, type, writtenAt: since } = event;
  const status = `npx walpost connectors status`;
  const at = { where: `connector ${name}`, since };
  const waits = `${type} is in the outbox and not in ${topic}`;
  const slot = slots?.find((each) => each.name === event.slot);
  const connector = connectors?.find((each) => each.name === name);
  if (connectors === null) {
    return { ...at, what: `${waits}: Kafka Connect does not answer`, help: [status], blocked: true };
  }
  if (!connector) {
    const help = [`npx walpost connectors apply ${name}`];
    return { ...at, what: `${waits}: the connector is not registered`, help, blocked: true };
  }
  const bad = [...connector.tasks, connector].find(({ state }) => state !== 'RUNNING');
  if (bad) {
    const mend = bad.state === 'FAILED' ? 'restart' : 'resume';
    const what = `${waits}: ${'id' in bad ? 'its task' : 'it'} is ${bad.state}${bad.error ? `, ${bad.error}` : ''}`;
    return { ...at, what, help: [`npx walpost connectors ${mend} ${name}`, status], blocked: true };
  }
  if (slots && !slot) {
    return { ...at, what: `${waits}: there is no slot ${event.slot}`, help: [status], blocked: true };
  }
  if (slot?.walStatus === 'lost') {
    const what = `${waits}: the slot ${slot.name} is lost, the server no longer keeps its log`;
    return { ...at, what, help: [`npx walpost connectors restart ${name}`], blocked: true };
  }
  if (slot && !slot.active) {
    const what = `${waits}: nobody reads the slot ${slot.name}`;
    return { ...at, what, help: [status], blocked: false };
  }
  return { ...at, what: `${waits} yet`, help: [status], blocked: false };
}

function judgeLetter(type: string, { letter, group, shortName }: Letter): Finding[] {
  const { id, key, state, createdAt: since } = letter;
  const at = { where: group, since, blocked: true };
  const service = `--service ${shortName}`;
  if (state === 'parked') {
    const help = [`npx walpost dead-letters list --key ${key}`];
    return [{ ...at, what: `${type} is parked behind an earlier dead letter of this order`, help }];
  }
  if (state !== 'dead') return [];
  const help = [
    `npx walpost dead-letters show ${id} ${service}`,
    `npx walpost dead-letters replay --id ${id} ${service} --yes`,
  ];
  return [{ ...at, what: `${type} is dead letter ${id}: ${letter.errorCode}: ${letter.errorMessage}`, help }];
}

function judgeGroup({ groups }: OrderWay, event: WayEvent, { group }: Delivery): Finding {
  const { type, topic, record } = event;
  const at = { where: group, since: record?.at ?? event.writtenAt };
  const help = [`npx walpost groups describe ${group}`];
  const found = groups.find((each) => each.group === group);
  if (found?.members === 0) {
    const what = `${type} waits in ${topic}: ${group} does not run, its group has no member`;
    return { ...at, what, help: ['npm start (or: docker compose up -d)', ...help], blocked: true };
  }
  const lag = found ? `, ${found.lag} records behind` : '';
  return {
    ...at,
    what: `${type} waits in ${topic}: ${group} has not come to it${lag}`,
    help,
    blocked: false,
  };
}
