import { type App, createApp, type ReadinessChecks } from '@walpost/kit/http/http';
import { Uuid } from '@walpost/kit/http/inputs';
import type { Db } from '@walpost/kit/postgres/database';
import type { Logger } from '@walpost/kit/telemetry/logger';
import { asc, eq } from 'drizzle-orm';
import { Type } from 'typebox';
import { emails } from './tables.ts';

export interface NotificationAppOptions {
  db: Db;
  logger: Logger;
  readiness: ReadinessChecks;
}

const EmailView = Type.Object({
  id: Type.String({ format: 'uuid' }),
  orderId: Type.String({ format: 'uuid' }),
  customerId: Type.String(),
  kind: Type.Enum(['order-received', 'order-confirmed', 'order-cancelled']),
  recipient: Type.String(),
  subject: Type.String(),
  body: Type.String(),
  messageId: Type.String(),
  status: Type.Enum(['WAITING', 'SENT', 'REFUSED']),
  attempts: Type.Integer({ description: 'How often sending was tried' }),
  lastError: Type.Optional(
    Type.String({ description: 'What the last attempt failed with, in the words of the mail server' }),
  ),
  createdAt: Type.String({ format: 'date-time' }),
  sentAt: Type.Optional(Type.String({ format: 'date-time' })),
});

/** Builds the notification service's HTTP application, the same for production and tests. It does not listen yet. */
export async function buildApp({ db, logger, readiness }: NotificationAppOptions): Promise<App> {
  const app = await createApp({ title: 'Walpost notification service', logger, readiness });
  app.get(
    '/emails',
    {
      schema: {
        summary: 'List the e-mails about an order, the oldest first',
        tags: ['emails'],
        querystring: Type.Object({ orderId: Uuid('Of the order') }, { additionalProperties: false }),
        response: { 200: Type.Object({ emails: Type.Array(EmailView) }) },
      },
    },
    async ({ query: { orderId } }) => {
      const rows = await db
        .select()
        .from(emails)
        .where(eq(emails.orderId, orderId))
        .orderBy(asc(emails.createdAt), asc(emails.id));
      return {
        emails: rows.map(
          ({
            lastError,
            createdAt,
            sentAt,
            nextAttemptAt: _due,
            deferredSince: _since,
            traceparent: _trace,
            ...email
          }) => ({
            ...email,
            ...(lastError !== null && { lastError }),
            createdAt: createdAt.toISOString(),
            ...(sentAt !== null && { sentAt: sentAt.toISOString() }),
          }),
        ),
      };
    },
  );
  return app;
}
