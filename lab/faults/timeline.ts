import { type Evidence, topics } from './evidence.ts';
import type { Inflicted } from './inflict.ts';
import { describeFault, services } from './plan.ts';

/** All that is known of an order, and the faults of that time, in the order in which they happened. */
export function timeline(evidence: Evidence, faults: readonly Inflicted[], order: string): string[] {
  const lines: { at: number; text: string }[] = [];
  const add = (at: number, text: string) => lines.push({ at, text });
  const mine = <T extends { order: string }>(rows: readonly T[]) => rows.filter((row) => row.order === order);

  for (const { key, ids, tries, cancel } of evidence.asks.filter(({ ids }) => ids.includes(order))) {
    for (const { at, answer } of tries) add(at, `load: POST /orders, key ${key}: ${answer} ${ids.join(' ')}`);
    if (cancel) add(cancel.at, `load: cancel: ${cancel.answer}`);
  }
  for (const { id, status, reason, at } of evidence.orders)
    if (id === order) add(at, `orders: placed, now ${status} ${reason ?? ''}`);
  for (const topic of topics) {
    for (const { id, key, version, type, at } of evidence.outbox[topic])
      if (key === order) add(at, `outbox of ${topic}: ${type} ${version} (${id})`);
    for (const { partition, offset, at, key, headers } of evidence.records[topic])
      if (key?.toString() === order)
        add(
          at,
          `${topic}/${partition}@${offset}: ${headers['ce_type']} ${headers['aggregateversion']} (${headers['ce_id']})`,
        );
  }
  for (const service of services) {
    for (const { key, topic, version, id, at } of evidence.inbox[service])
      if (key === order) add(at, `${service} took version ${version} of ${topic} (${id})`);
    for (const { key, state, topic, code, at } of evidence.deadLetters[service])
      if (key === order) add(at, `${service}: dead letter of ${topic}, ${state} ${code ?? ''}`);
  }
  for (const { status, amount, reason, at } of mine(evidence.payments))
    add(at, `payment: ${amount} ${status} ${reason ?? ''}`);
  for (const { sku, quantity, status, at } of mine(evidence.reservations))
    add(at, `stock: ${quantity} ${sku} ${status}`);
  for (const { kind, status, at } of mine(evidence.emails)) add(at, `e-mail ${kind}: ${status}`);

  const times = lines.map(({ at }) => at);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  for (const { fault, from, to } of faults.filter((each) => each.from < last && each.to > first)) {
    add(from, `FAULT ${describeFault(fault)} begins`);
    add(to, `fault #${fault.number} is over`);
  }
  return lines
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, text }) => `${new Date(at).toISOString()} ${text.trimEnd()}`);
}
