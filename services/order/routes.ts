import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Count, Identifier, Key, PageSize, Traceparent, Uuid } from '@walpost/kit/http/inputs';
import { Problem, problemResponse } from '@walpost/kit/http/problem';
import { traceparentOf } from '@walpost/kit/http/trace-requests';
import type { Db } from '@walpost/kit/postgres/database';
import type { Logger } from '@walpost/kit/telemetry/logger';
import { traceIdOf } from '@walpost/kit/telemetry/trace';
import { Type } from 'typebox';
import type { CancelOrder } from './cancel-order.ts';
import { findOrder, listOrders } from './find-orders.ts';
import { MAX_AMOUNT, type Order, OrderError } from './order.ts';
import type { PlaceOrder } from './place-order.ts';

export interface OrderOperations {
  db: Db;
  placeOrder: PlaceOrder;
  cancelOrder: CancelOrder;
}

const Amount = (description: string) => Count(description, { maximum: MAX_AMOUNT });
const OrderId = Uuid('Of the order');
const CustomerId = Identifier('Who orders');

const Item = Type.Object(
  {
    sku: Identifier('Stock keeping unit'),
    quantity: Count('Pieces', { minimum: 1, maximum: 1_000_000 }),
    unitPrice: Amount('Minor units of the currency, e.g. cents'),
  },
  { additionalProperties: false },
);

const NewOrder = Type.Object(
  {
    customerId: CustomerId,
    currency: Type.String({ description: 'ISO 4217 code', maxLength: 3, pattern: '^[A-Z]{3}$' }),
    items: Type.Array(Item, { minItems: 1, maxItems: 100 }),
  },
  { additionalProperties: false },
);

const OrderView = Type.Object({
  id: OrderId,
  customerId: CustomerId,
  currency: Type.String(),
  items: Type.Array(Item),
  totalAmount: Amount('Sum over the items'),
  status: Type.Enum(['PENDING', 'CONFIRMED', 'CANCELLED']),
  cancellationReason: Type.Optional(Type.String()),
  createdAt: Type.String({ format: 'date-time' }),
});

/** How many orders a page has when nobody says. */
const PAGE = 20;

const NOT_FOUND = problemResponse('There is no such order.');

/** The routes of the order API. */
export function orderRoutes({ db, placeOrder, cancelOrder }: OrderOperations): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/orders',
      {
        schema: {
          summary: 'Place an order',
          tags: ['orders'],
          headers: Type.Object({
            'idempotency-key': Type.Optional(
              Key('The same key with the same body gives the first answer again, and one order.'),
            ),
            traceparent: Type.Optional(Traceparent),
          }),
          body: NewOrder,
          response: {
            201: OrderView,
            422: problemResponse('The order cannot be, or the key came with another body before.'),
          },
        },
      },
      async (request, reply) => {
        const idempotencyKey = request.headers['idempotency-key'];
        const traceparent = traceparentOf(request);
        const context = { idempotencyKey, traceparent, isAnswered: () => reply.sent };
        const result = await placeOrder(request.body, context).catch(refuse);
        if (result.outcome === 'key-reused') {
          throw new Problem(
            422,
            'idempotency-key-reused',
            'This Idempotency-Key came with another body before.',
            {
              errors: [{ field: 'headers/idempotency-key', detail: 'was used with another body' }],
            },
          );
        }
        const { order } = result;
        // Pino's, as the kit makes it; Fastify's type of it has no levels.
        const log = request.log as Logger;
        if (log.isLevelEnabled('debug'))
          log.debug({ key: order.id, trace_id: traceIdOf(traceparent) }, 'order placed');
        if (result.outcome === 'replayed') reply.header('idempotency-replayed', 'true');
        return reply.code(201).header('location', `/orders/${order.id}`).send(view(order));
      },
    );

    app.get(
      '/orders',
      {
        schema: {
          summary: 'List a customer’s orders, the newest first',
          tags: ['orders'],
          querystring: Type.Object(
            {
              customerId: CustomerId,
              limit: Type.Optional(PageSize(PAGE, 100)),
              cursor: Type.Optional(Uuid('`next` of the page before')),
            },
            { additionalProperties: false },
          ),
          response: {
            200: Type.Object({ orders: Type.Array(OrderView), next: Type.Optional(Type.String()) }),
          },
        },
      },
      async ({ query: { customerId, limit = PAGE, cursor } }) => {
        const page = await listOrders(db, customerId, limit, cursor);
        return { orders: page.orders.map(view), ...(page.next !== undefined && { next: page.next }) };
      },
    );

    app.get(
      '/orders/:id',
      {
        schema: {
          summary: 'Read an order',
          tags: ['orders'],
          params: Type.Object({ id: OrderId }),
          response: { 200: OrderView, 404: NOT_FOUND },
        },
      },
      async ({ params: { id } }) => view((await findOrder(db, id)) ?? notFound(id)),
    );

    app.post(
      '/orders/:id/cancel',
      {
        schema: {
          summary: 'Cancel an order that is still pending',
          tags: ['orders'],
          params: Type.Object({ id: OrderId }),
          headers: Type.Object({ traceparent: Type.Optional(Traceparent) }),
          response: {
            200: OrderView,
            404: NOT_FOUND,
            409: problemResponse('The order is confirmed or cancelled already.'),
          },
        },
      },
      async (request) => {
        const { id } = request.params;
        return view((await cancelOrder(id, traceparentOf(request)).catch(refuse)) ?? notFound(id));
      },
    );
  };
}

function view({
  id,
  customerId,
  currency,
  items,
  totalAmount,
  status,
  cancellationReason,
  createdAt,
}: Order) {
  return {
    id,
    customerId,
    currency,
    items,
    totalAmount,
    status,
    ...(cancellationReason !== null && { cancellationReason }),
    createdAt: createdAt.toISOString(),
  };
}

function notFound(id: string): never {
  throw new Problem(404, 'order-not-found', `There is no order ${id}.`);
}

/** What an order's rules mean in HTTP. */
function refuse(error: unknown): never {
  if (!(error instanceof OrderError)) throw error;
  const { code, message, field } = error;
  const status = code === 'order-finished' ? 409 : 422;
  throw new Problem(
    status,
    code,
    message,
    field === undefined ? {} : { errors: [{ field, detail: message }] },
  );
}
