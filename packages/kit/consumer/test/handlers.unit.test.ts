import { expect, test } from '@jest/globals';
import { contract } from '../../../../schemas/contract.generated.ts';
import type { EventTopic } from '../../contract/contract.ts';
import { type HandlersOf, handlersFor, ignore } from '../handle-batch.ts';

type OrderHandlers = HandlersOf<'order-events'>;

const all: OrderHandlers = { OrderCreated: ignore, OrderConfirmed: ignore, OrderCancelled: ignore };

// The build compiles this: an error that is expected and does not come is one.
const wrong: unknown[] = [
  // @ts-expect-error an event is forgotten
  { OrderCreated: ignore, OrderConfirmed: ignore } satisfies OrderHandlers,
  // @ts-expect-error an event of another topic
  { ...all, PaymentDeclined: ignore } satisfies OrderHandlers,
  // @ts-expect-error a misspelt event
  { ...all, OrderCanceled: ignore } satisfies OrderHandlers,
  // @ts-expect-error a field that the event does not have
  { ...all, OrderCreated: async (_tx, [event]) => void event?.data.reason } satisfies OrderHandlers,
  // @ts-expect-error a misspelt topic
  'orders-events' satisfies EventTopic,
];

test('every event of a topic needs a handler, if only to be ignored', () => {
  expect(handlersFor(contract, ['order-events'], all)).toBe(all);
  expect(() => handlersFor(contract, ['order-events'], wrong[0] as OrderHandlers)).toThrow(
    'Nothing is done about OrderCancelled of order-events: give `on` a handler for it, or `ignore` it.',
  );
});
