import type { Evidence, Item, OrderRow } from '../evidence.ts';
import { type Check, type Finding, groupBy } from './finding.ts';

/** Every order is charged as it ended: once, the right amount, and given back when it was cancelled. */
export const money: Check = {
  name: 'money: one payment an order, as it ended',
  find: ({ orders, payments }) => {
    const byOrder = groupBy(payments, ({ order }) => order);
    const found = orders.flatMap(({ id, status, total, currency }): Finding[] => {
      const own = byOrder.get(id) ?? [];
      byOrder.delete(id);
      const [payment] = own;
      if (!payment) return [{ order: id, text: 'has no payment' }];
      if (own.length > 1) return [{ order: id, text: `has ${own.length} payments` }];
      if (payment.amount !== total || payment.currency !== currency)
        return [
          { order: id, text: `is charged ${payment.amount} ${payment.currency}, not ${total} ${currency}` },
        ];
      const fit = status === 'CONFIRMED' ? ['AUTHORIZED'] : ['DECLINED', 'REFUNDED'];
      if (status === 'PENDING' || fit.includes(payment.status)) return [];
      return [{ order: id, text: `is ${status}, and its payment is ${payment.status}` }];
    });
    for (const order of byOrder.keys())
      found.push({ order, text: 'a payment for an order that does not exist' });
    const sum = (amounts: number[]) => amounts.reduce((total, amount) => total + amount, 0);
    const taken = sum(payments.filter(({ status }) => status === 'AUTHORIZED').map(({ amount }) => amount));
    const due = sum(orders.filter(({ status }) => status === 'CONFIRMED').map(({ total }) => total));
    if (taken !== due)
      found.push({ text: `${taken} was taken in all, and ${due} is due for confirmed orders` });
    return found;
  },
};

/** Every order has its reservation, as it ended, with the pieces that were asked for. */
export const reservations: Check = {
  name: 'stock: one reservation an order, as it ended',
  find: (evidence) => {
    const byOrder = groupBy(evidence.reservations, ({ order }) => order);
    const found = evidence.orders.flatMap((order): Finding[] => {
      const own = byOrder.get(order.id) ?? [];
      byOrder.delete(order.id);
      const text = wrongLines(order, own);
      return text === undefined ? [] : [{ order: order.id, text }];
    });
    for (const order of byOrder.keys())
      found.push({ order, text: 'a reservation for an order that does not exist' });
    return found;
  },
};

function wrongLines(order: OrderRow, lines: Evidence['reservations']): string | undefined {
  if (lines.length === 0) return 'has no reservation';
  const wanted = linesOf(order.items);
  const have = lines.map(({ sku, quantity }) => `${quantity} ${sku}`).sort();
  if (have.join() !== wanted.join()) return `wants ${wanted.join(', ')}, and ${have.join(', ')} is noted`;
  const states = [...new Set(lines.map(({ status }) => status))];
  const [state = ''] = states;
  if (states.length > 1) return `is ${states.join(' and ')} at once`;
  if (order.status === 'PENDING') return undefined;
  const fit = order.status === 'CONFIRMED' ? ['RESERVED'] : ['RELEASED', 'REJECTED'];
  return fit.includes(state) ? undefined : `is ${order.status}, and its stock is ${state}`;
}

function linesOf(items: readonly Item[]): string[] {
  return [...groupBy(items, ({ sku }) => sku)]
    .map(([sku, same]) => `${same.reduce((sum, { quantity }) => sum + quantity, 0)} ${sku}`)
    .sort();
}

/** No piece appears or vanishes, none is promised twice. */
export const stock: Check = {
  name: 'stock: pieces add up',
  find: ({ stock: { before, after }, reservations: lines }) => {
    const start = new Map(before.map(({ sku, onHand, reserved }) => [sku, onHand + reserved]));
    const held = groupBy(
      lines.filter(({ status }) => status === 'RESERVED'),
      ({ sku }) => sku,
    );
    return after.flatMap(({ sku, onHand, reserved }): Finding[] => {
      const found: Finding[] = [];
      const total = onHand + reserved;
      if (start.get(sku) !== total)
        found.push({ text: `${sku}: ${start.get(sku)} pieces before, ${total} now` });
      const promised = (held.get(sku) ?? []).reduce((sum, { quantity }) => sum + quantity, 0);
      if (promised !== reserved)
        found.push({ text: `${sku}: ${reserved} are reserved, and orders hold ${promised}` });
      if (onHand < 0) found.push({ text: `${sku}: ${onHand} on hand` });
      return found;
    });
  },
};

const mails: Readonly<Record<string, string>> = {
  'walpost.orders.OrderCreated': 'order-received',
  'walpost.orders.OrderConfirmed': 'order-confirmed',
  'walpost.orders.OrderCancelled': 'order-cancelled',
};

/** One e-mail for each order event, sent. */
export const emails: Check = {
  name: 'e-mails: one for each order event, sent',
  find: ({ emails: rows, outbox }) => {
    const wanted = groupBy(outbox['order-events'], ({ key, type }) => `${key} ${mails[type] ?? type}`);
    const have = groupBy(rows, ({ order, kind }) => `${order} ${kind}`);
    const found: Finding[] = [];
    for (const key of new Set([...wanted.keys(), ...have.keys()])) {
      const [order = '', kind] = key.split(' ');
      const [should, are] = [wanted.get(key)?.length ?? 0, have.get(key)?.length ?? 0];
      if (should !== are) found.push({ order, text: `${are} e-mails ${kind}, ${should} should be` });
    }
    for (const { order, kind, status } of rows)
      if (status !== 'SENT') found.push({ order, text: `the e-mail ${kind} is ${status}` });
    return found;
  },
};
