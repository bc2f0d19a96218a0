import { randomBytes, randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { eventually } from './eventually.ts';
import { PLANTED, type Planted } from './evidence.ts';
import { type Lab, openKafka } from './lab.ts';
import type { PoisonKind } from './plan.ts';

const TIMEOUT_S = 180;

interface Draft {
  topic: string;
  key: Buffer | string | null;
  value: Buffer | null;
  headers: Record<string, string>;
}

/**
 * Writes a record that no relay would write straight to a topic.
 *
 * @param latestOrder an order that may have events to come
 */
export async function plantPoison(
  lab: Lab,
  kind: PoisonKind,
  latestOrder: string | undefined,
): Promise<Planted> {
  const id = randomUUID();
  const draft = await eventually(`a record to poison as ${kind}`, TIMEOUT_S, () =>
    draftOf(lab, kind, latestOrder),
  );
  const { topic, key, value, headers } = draft;
  const at = Date.now();
  await eventually(`writing a ${kind} record`, TIMEOUT_S, async () => {
    const producer = openKafka(lab.env).producer();
    try {
      await producer.connect();
      const [sent] = await producer.send({
        topic,
        messages: [{ key, value, headers: { ...headers, [PLANTED]: id } }],
      });
      return sent;
    } finally {
      await producer.disconnect();
    }
  });
  return { id, kind, topic, key: typeof key === 'string' ? key : null, at };
}

async function draftOf(
  lab: Lab,
  kind: PoisonKind,
  latestOrder: string | undefined,
): Promise<Draft | undefined> {
  const fromPayment = kind === 'unknown-order';
  const sql = fromPayment ? lab.databases.payment : lab.databases.order;
  const [row] = await sql<{ id: string; key: string; version: number; type: string; payload: Buffer }[]>`
    select id::text, aggregateid as key, aggregateversion as version, type, payload from outbox
    where type = ${fromPayment ? 'walpost.payments.PaymentAuthorized' : 'walpost.orders.OrderCreated'} limit 1`;
  if (!row) return undefined;
  const draft: Draft = {
    topic: fromPayment ? 'payment-events' : 'order-events',
    key: uuidv7(),
    value: row.payload,
    headers: { ce_id: uuidv7(), ce_type: row.type, aggregateversion: '1' },
  };
  return { ...draft, ...(await spoilt(lab, kind, draft, row, latestOrder)) };
}

async function spoilt(
  lab: Lab,
  kind: PoisonKind,
  { value, headers }: Draft,
  row: { id: string; key: string; version: number },
  latestOrder: string | undefined,
): Promise<Partial<Draft>> {
  const good = value ?? Buffer.alloc(0);
  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(good);
    change(bytes);
    return bytes;
  };
  const without = (name: string) =>
    Object.fromEntries(Object.entries(headers).filter(([each]) => each !== name));
  switch (kind) {
    case 'no-key':
      return { key: null };
    case 'no-value':
      return { value: null };
    case 'empty-value':
      return { value: Buffer.alloc(0) };
    case 'bad-magic-byte':
      return { value: changed((bytes) => bytes.writeUInt8(9, 0)) };
    case 'unknown-schema-id':
      return { value: changed((bytes) => bytes.writeInt32BE(987_654, 1)) };
    case 'foreign-type': {
      const id = await registerForeignType(lab);
      return {
        value: Buffer.concat([Buffer.from([0, 0, 0, 0, 0]), Buffer.from([2])]).fill(idBytes(id), 1, 5),
      };
    }
    case 'truncated':
      return { value: good.subarray(0, good.length - 3) };
    case 'trailing-bytes':
      return { value: Buffer.concat([good, Buffer.from('more')]) };
    case 'random-bytes':
      return { value: Buffer.concat([good.subarray(0, 5), randomBytes(200)]) };
    case 'no-id':
      return { headers: without('ce_id') };
    case 'bad-id':
      return { headers: { ...headers, ce_id: 'no-uuid' } };
    case 'no-version':
      return { headers: without('aggregateversion') };
    case 'bad-version':
      return { headers: { ...headers, aggregateversion: '-7' } };
    case 'binary-key':
      return { key: randomBytes(32) };
    case 'long-key':
      return { key: 'k'.repeat(10_000) };
    case 'unknown-order':
      return {};
    case 'before-an-order':
      return { key: latestOrder ?? row.key, value: good.subarray(0, 7) };
    case 'sent-again':
      return { key: row.key, headers: { ...headers, ce_id: row.id, aggregateversion: String(row.version) } };
  }
}

function idBytes(id: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(id);
  return bytes;
}

/** Registers a type that the contract does not have. @returns its schema id */
async function registerForeignType({ env }: Lab): Promise<number> {
  const schema = JSON.stringify({
    type: 'record',
    name: 'Stranger',
    namespace: 'lab',
    fields: [{ name: 'n', type: 'long' }],
  });
  const answer = await fetch(`${env['SCHEMA_REGISTRY_URL']}/subjects/lab-Stranger/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema }),
  });
  if (!answer.ok) throw new Error(`the registry answered ${answer.status}`);
  return ((await answer.json()) as { id: number }).id;
}
