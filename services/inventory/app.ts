import { type App, createApp, type ReadinessChecks } from '@walpost/kit/http/http';
import { Count, Identifier, PageSize, Uuid } from '@walpost/kit/http/inputs';
import { Problem, problemResponse } from '@walpost/kit/http/problem';
import type { Db } from '@walpost/kit/postgres/database';
import type { Logger } from '@walpost/kit/telemetry/logger';
import { asc, eq } from 'drizzle-orm';
import { Type } from 'typebox';
import { reservations, stock } from './tables.ts';

export interface InventoryAppOptions {
  db: Db;
  logger: Logger;
  readiness: ReadinessChecks;
}

const StockView = Type.Object({
  sku: Type.String(),
  onHand: Type.Integer({ description: 'Pieces that can still be promised' }),
  reserved: Type.Integer({ description: 'Pieces that are promised to an order' }),
});

const ReservationView = Type.Object({
  orderId: Type.String({ format: 'uuid' }),
  status: Type.Enum(['RESERVED', 'RELEASED', 'REJECTED']),
  items: Type.Array(
    Type.Object({
      sku: Type.String(),
      quantity: Type.Integer(),
      reason: Type.Optional(Type.String({ description: 'Why the order failed at this item' })),
    }),
  ),
  updatedAt: Type.String({ format: 'date-time' }),
});

/** How many articles a page has when nobody says. */
const PAGE = 100;

/** Builds the inventory service's HTTP application, the same for production and tests. It does not listen yet. */
export async function buildApp({ db, logger, readiness }: InventoryAppOptions): Promise<App> {
  const app = await createApp({ title: 'Walpost inventory service', logger, readiness });

  app.get(
    '/stock',
    {
      schema: {
        summary: 'List the stock by sku',
        tags: ['stock'],
        querystring: Type.Object(
          {
            limit: Type.Optional(PageSize(PAGE, 1000)),
            offset: Type.Optional(Count('How many rows come before', { maximum: 1_000_000 })),
          },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({ stock: Type.Array(StockView) }),
        },
      },
    },
    async ({ query: { limit = PAGE, offset = 0 } }) => ({
      stock: await db.select().from(stock).orderBy(asc(stock.sku)).limit(limit).offset(offset),
    }),
  );

  app.get(
    '/stock/:sku',
    {
      schema: {
        summary: 'Read the stock of one article',
        tags: ['stock'],
        params: Type.Object({ sku: Identifier('Stock keeping unit') }),
        response: {
          200: StockView,
          404: problemResponse('There is no such article.'),
        },
      },
    },
    async ({ params: { sku } }) => {
      const [level] = await db.select().from(stock).where(eq(stock.sku, sku));
      if (!level) throw new Problem(404, 'sku-not-found', `There is no article ${sku}.`);
      return level;
    },
  );

  app.get(
    '/reservations/:orderId',
    {
      schema: {
        summary: 'Read what was decided about an order',
        tags: ['stock'],
        params: Type.Object({ orderId: Uuid('Of the order') }),
        response: {
          200: ReservationView,
          404: problemResponse('Nothing was decided about this order.'),
        },
      },
    },
    async ({ params: { orderId } }) => {
      const lines = await db
        .select()
        .from(reservations)
        .where(eq(reservations.orderId, orderId))
        .orderBy(asc(reservations.sku));
      const [first] = lines;
      if (!first) {
        throw new Problem(404, 'reservation-not-found', `There is no reservation for order ${orderId}.`);
      }
      return {
        orderId,
        status: first.status,
        items: lines.map(({ sku, quantity, reason }) => ({
          sku,
          quantity,
          ...(reason !== null && { reason }),
        })),
        updatedAt: first.updatedAt.toISOString(),
      };
    },
  );
  return app;
}
