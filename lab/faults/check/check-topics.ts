import { messageOf } from 'walpost/stack/stack-error';
import { type Evidence, flows, plantedIn, type Topic, type TopicRecord, topics } from '../evidence.ts';
import { type Check, type Finding, groupBy } from './finding.ts';

const each = (find: (topic: Topic, evidence: Evidence) => Finding[]) => (evidence: Evidence) =>
  topics.flatMap((topic) => find(topic, evidence));

/** The records that the relay wrote. */
function relayed(evidence: Evidence, topic: Topic): TopicRecord[] {
  return evidence.records[topic].filter(({ headers }) => plantedIn(headers) === undefined);
}

function keyOf({ key }: TopicRecord): string {
  return key?.toString() ?? '';
}

function place(topic: Topic, { partition, offset }: TopicRecord): string {
  return `${topic}/${partition}@${offset}`;
}

/** In the outbox itself each key counts 1, 2, 3 … */
export const versions: Check = {
  name: 'outbox: versions of a key without a gap',
  find: each((topic, { outbox }) =>
    [...groupBy(outbox[topic], ({ key }) => key)].flatMap(([order, rows]): Finding[] => {
      const numbers = rows.map(({ version }) => version).sort((a, b) => a - b);
      if (numbers.every((version, at) => version === at + 1)) return [];
      return [{ order, text: `${topic}: the outbox has versions ${numbers.join(', ')}` }];
    }),
  ),
};

/** Every outbox row is on its topic, byte for byte. */
export const published: Check = {
  name: 'every outbox row is on its topic, unchanged',
  find: each((topic, evidence) => {
    const records = groupBy(relayed(evidence, topic), ({ headers }) => headers['ce_id'] ?? '');
    return evidence.outbox[topic].flatMap((row): Finding[] => {
      const [first] = records.get(row.id) ?? [];
      const what = `${row.type} ${row.version} (${row.id})`;
      if (!first)
        return [{ order: row.key, text: `${topic}: ${what} is in the outbox and not on the topic` }];
      if (!first.value?.equals(row.payload))
        return [{ order: row.key, text: `${topic}: ${what} has other bytes` }];
      const { ce_type: type, aggregateversion: version, ce_subject: subject } = first.headers;
      if (
        type === row.type &&
        version === String(row.version) &&
        subject === row.key &&
        keyOf(first) === row.key
      )
        return [];
      return [
        {
          order: row.key,
          text: `${topic}: ${what} has key ${keyOf(first)} and headers of ${type} ${version}`,
        },
      ];
    });
  }),
};

/** Every record comes from an outbox row. */
export const rooted: Check = {
  name: 'every record has its outbox row',
  find: each((topic, evidence) => {
    const ids = new Set(evidence.outbox[topic].map(({ id }) => id));
    return relayed(evidence, topic)
      .filter(({ headers }) => !ids.has(headers['ce_id'] ?? ''))
      .map((record) => ({ order: keyOf(record), text: `${place(topic, record)} has no row in the outbox` }));
  }),
};

/** The relay writes a row once, unless a lost slot or connector made it read again. */
export const once: Check = {
  name: 'no record twice on a topic',
  find: each((topic, evidence) => {
    if (evidence.repeats) return [];
    return [...groupBy(relayed(evidence, topic), ({ headers }) => headers['ce_id'] ?? '')]
      .filter(([, same]) => same.length > 1)
      .map(([id, same]) => ({
        order: same[0] ? keyOf(same[0]) : '',
        text: `event ${id} is at ${same.map((record) => place(topic, record)).join(' and ')}`,
      }));
  }),
};

/** A key stays in one partition, and its events come in the order of their versions. */
export const inOrder: Check = {
  name: 'topics: order and completeness per key',
  find: each((topic, evidence) =>
    [...groupBy(relayed(evidence, topic), keyOf)].flatMap(([order, records]): Finding[] => {
      const partitions = new Set(records.map(({ partition }) => partition));
      if (partitions.size > 1)
        return [{ order, text: `${topic}: in partitions ${[...partitions].join(', ')}` }];
      const seen = new Set<string>();
      const firsts = records
        .toSorted((a, b) => Number(a.offset - b.offset))
        .filter(({ headers: { ce_id: id = '' } }) => !seen.has(id) && seen.add(id))
        .map(({ headers }) => Number(headers['aggregateversion']));
      if (firsts.every((version, at) => version === at + 1)) return [];
      return [{ order, text: `${topic}: versions came as ${firsts.join(', ')}` }];
    }),
  ),
};

/** Every record can be read with what the registry has, and says what its headers say. */
export const readable: Check = {
  name: 'every record reads by its schema',
  find: each((topic, evidence) =>
    relayed(evidence, topic).flatMap((record): Finding[] => {
      const text = unreadable(record, evidence.schemas);
      return text === undefined ? [] : [{ order: keyOf(record), text: `${place(topic, record)}: ${text}` }];
    }),
  ),
};

function unreadable({ value, key, headers }: TopicRecord, schemas: Evidence['schemas']): string | undefined {
  if (!value || value.length < 6) return 'no bytes';
  if (value[0] !== 0) return `begins with ${value[0]}`;
  const schema = schemas.get(value.readInt32BE(1));
  if (!schema) return `schema id ${value.readInt32BE(1)} is not in the registry`;
  if (schema.name !== headers['ce_type']) return `is a ${schema.name} and says ${headers['ce_type']}`;
  try {
    const event = schema.read(value.subarray(5)) as { orderId?: unknown };
    return event.orderId === key?.toString() ? undefined : `is about order ${event.orderId}`;
  } catch (error) {
    return `cannot be read as ${schema.name}: ${messageOf(error)}`;
  }
}

/** Every consumer has seen every event of its topics. */
export const received: Check = {
  name: 'every consumer has seen every event',
  find: each((topic, { outbox, inbox }) =>
    flows[topic].to.flatMap((service) => {
      const ids = new Set(inbox[service].filter((row) => row.topic === topic).map(({ id }) => id));
      return outbox[topic]
        .filter(({ id }) => !ids.has(id))
        .map(({ id, key, type, version }) => ({
          order: key,
          text: `${service} has not seen ${type} ${version} (${id})`,
        }));
    }),
  ),
};

/** A consumer takes the events of a key in their order. */
export const takenInOrder: Check = {
  name: 'consumers take the events of a key in order',
  find: each((topic, { inbox, planted }) => {
    const waylaid = new Set(planted.map(({ key }) => key));
    return flows[topic].to.flatMap((service) => {
      const rows = inbox[service].filter((row) => row.topic === topic && !waylaid.has(row.key));
      return [...groupBy(rows, ({ key }) => key)].flatMap(([order, own]): Finding[] => {
        const sorted = own.toSorted((a, b) => a.version - b.version);
        const wrong = sorted.find(({ at }, index) => at < (sorted[index - 1]?.at ?? 0));
        return wrong
          ? [{ order, text: `${service} took version ${wrong.version} before the one ahead of it` }]
          : [];
      });
    });
  }),
};
