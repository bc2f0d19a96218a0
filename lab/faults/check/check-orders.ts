import type { Ask, OrderRow } from '../evidence.ts';
import type { Check, Finding } from './finding.ts';

/** What was answered 201 is there, as it was asked for, once. */
export const acknowledged: Check = {
  name: 'acknowledged orders are there',
  find: ({ asks, orders }) => {
    const byId = new Map(orders.map((order) => [order.id, order]));
    return asks.flatMap((ask) => {
      const found: Finding[] = [];
      const ids = [...new Set(ask.ids)];
      if (ids.length > 1) found.push({ text: `key ${ask.key} was answered two orders: ${ids.join(', ')}` });
      for (const id of ids) {
        const order = byId.get(id);
        if (!order)
          found.push({ order: id, text: `answered 201 for ${ask.key}, and there is no such order` });
        else if (!isAsAsked(order, ask))
          found.push({ order: id, text: `is not as key ${ask.key} asked for it` });
      }
      return found;
    });
  },
};

/** Nothing is there that nobody asked for. */
export const asked: Check = {
  name: 'every order was asked for',
  find: ({ asks, orders }) => {
    const keys = new Set(asks.map(({ key }) => key));
    return orders
      .filter(({ key }) => key === null || !keys.has(key))
      .map(({ id, key }) => ({ order: id, text: `an order with key ${key} that was never asked for` }));
  },
};

/** How long payment and inventory may take to answer: the default of ORDER_REPLY_WITHIN_S, ms. */
const REPLY_WITHIN = 300_000;

/** An order is given up as overdue only when it is. */
export const overdue: Check = {
  name: 'no order is given up before it is overdue',
  find: ({ asks, orders, records }) => {
    const late = orders.filter(
      ({ status, reason }) => status === 'CANCELLED' && /in time$/.test(reason ?? ''),
    );
    // From the first try, by the lab's clock, to the last record, by the relay's: the clock of a process that gave up may
    // be wrong, and the first record may have waited for its relay as long as the answer did.
    const askedAt = new Map(
      asks.flatMap(({ ids, tries }) => ids.map((id) => [id, tries[0]?.at ?? 0] as const)),
    );
    const toldAt = new Map(late.map(({ id }) => [id, 0]));
    for (const { key, at } of records['order-events']) {
      const id = key?.toString() ?? '';
      const last = toldAt.get(id);
      if (last !== undefined) toldAt.set(id, Math.max(last, at));
    }
    return late.flatMap(({ id: order }): Finding[] => {
      const took = (toldAt.get(order) ?? 0) - (askedAt.get(order) ?? 0);
      return took >= REPLY_WITHIN / 2 ? [] : [{ order, text: `was given up as overdue after ${took} ms` }];
    });
  },
};

/** Every order ends, and an ended one agrees with its answers. */
export const ended: Check = {
  name: 'every order has ended as its answers say',
  find: ({ orders }) =>
    orders.flatMap(({ id: order, status, payment, stock, reason }): Finding[] => {
      const answers = `payment ${payment}, stock ${stock}`;
      if (status === 'PENDING') return [{ order, text: `is still PENDING (${answers})` }];
      if (status === 'CONFIRMED' && (payment !== 'YES' || stock !== 'YES'))
        return [{ order, text: `is CONFIRMED with ${answers}` }];
      const refused = payment === 'NO' || stock === 'NO';
      if (status === 'CANCELLED' && !refused && !/customer|time|answer/.test(reason ?? ''))
        return [{ order, text: `is CANCELLED with ${answers}, and "${reason}" is no reason` }];
      return [];
    }),
};

/** A cancellation that was answered 200 holds. */
export const cancelled: Check = {
  name: 'answered cancellations hold',
  find: ({ asks, orders }) => {
    const byId = new Map(orders.map((order) => [order.id, order]));
    return asks.flatMap(({ ids, cancel }) => {
      const [id] = ids;
      if (cancel?.answer !== '200' || id === undefined) return [];
      const status = byId.get(id)?.status;
      return status === 'CANCELLED'
        ? []
        : [{ order: id, text: `was cancelled by the customer and is ${status}` }];
    });
  },
};

function isAsAsked(order: OrderRow, ask: Ask): boolean {
  const total = ask.items.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
  const text = (items: Ask['items']) =>
    items.map(({ sku, quantity, unitPrice }) => `${sku} ${quantity} ${unitPrice}`).join();
  return (
    order.key === ask.key &&
    order.customer === ask.customerId &&
    order.currency === ask.currency &&
    order.total === total &&
    text(order.items) === text(ask.items)
  );
}
