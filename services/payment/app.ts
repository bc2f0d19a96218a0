import { type App, createApp, type ReadinessChecks } from '@walpost/kit/http/http';
import { Uuid } from '@walpost/kit/http/inputs';
import { Problem, problemResponse } from '@walpost/kit/http/problem';
import type { Db } from '@walpost/kit/postgres/database';
import type { Logger } from '@walpost/kit/telemetry/logger';
import { eq } from 'drizzle-orm';
import { Type } from 'typebox';
import { payments } from './tables.ts';

export interface PaymentAppOptions {
  db: Db;
  logger: Logger;
  readiness: ReadinessChecks;
}

const PaymentView = Type.Object({
  id: Type.String({ format: 'uuid' }),
  orderId: Type.String({ format: 'uuid' }),
  customerId: Type.String(),
  amount: Type.Integer({ description: 'Minor units of the currency, e.g. cents' }),
  currency: Type.String(),
  status: Type.Enum([
    'REQUESTED',
    'AUTHORIZING',
    'CANCELLING',
    'AUTHORIZED',
    'REFUNDING',
    'REFUNDED',
    'DECLINED',
  ]),
  reason: Type.Optional(Type.String({ description: 'Why it was declined' })),
  attempts: Type.Integer({ description: 'Calls to the gateway so far' }),
  lastError: Type.Optional(Type.String({ description: 'What the last call failed with' })),
  createdAt: Type.String({ format: 'date-time' }),
  updatedAt: Type.String({ format: 'date-time' }),
});

/** Builds the payment service's HTTP application, the same for production and tests. It does not listen yet. */
export async function buildApp({ db, logger, readiness }: PaymentAppOptions): Promise<App> {
  const app = await createApp({ title: 'Walpost payment service', logger, readiness });
  app.get(
    '/payments/:orderId',
    {
      schema: {
        summary: 'Read the payment of an order',
        tags: ['payments'],
        params: Type.Object({ orderId: Uuid('Of the order') }),
        response: {
          200: PaymentView,
          404: problemResponse('There is no payment for this order.'),
        },
      },
    },
    async ({ params: { orderId } }) => {
      const [row] = await db.select().from(payments).where(eq(payments.orderId, orderId));
      if (!row) throw new Problem(404, 'payment-not-found', `There is no payment for order ${orderId}.`);
      const { reason, lastError, createdAt, updatedAt, ...payment } = row;
      return {
        ...payment,
        ...(reason !== null && { reason }),
        ...(lastError !== null && { lastError }),
        createdAt: createdAt.toISOString(),
        updatedAt: updatedAt.toISOString(),
      };
    },
  );
  return app;
}
