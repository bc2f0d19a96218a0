import { MILLISECONDS, type ObservedService } from '@walpost/kit/observe/observed-service';
import { sql } from 'drizzle-orm';

/** The consuming services, as an operator sees them: names agree with docs/ and the services' own settings. */
export const services = {
  order: { database: 'orders', passwordVariable: 'ORDERS_PASSWORD', group: 'order-service' },
  payment: { database: 'payments', passwordVariable: 'PAYMENTS_PASSWORD', group: 'payment-service' },
  inventory: { database: 'inventory', passwordVariable: 'INVENTORY_PASSWORD', group: 'inventory-service' },
  notification: {
    database: 'notifications',
    passwordVariable: 'NOTIFICATIONS_PASSWORD',
    group: 'notification-service',
  },
} as const;

export type ServiceName = keyof typeof services;

export const serviceNames = Object.keys(services) as ServiceName[];

const ms = (expression: string) => sql.raw(MILLISECONDS(expression));
const outboxOf = (name: string) => ({
  topic: `${name}-events`,
  connector: `${name}-outbox`,
  slot: `${name}_outbox`,
});

/** What the role `observer` looks at in each service's database. */
export const observedServices: readonly ObservedService[] = [
  {
    name: 'order-service',
    shortName: 'order',
    database: 'orders',
    consumes: ['payment-events', 'inventory-events'],
    publishes: outboxOf('order'),
    effect: { label: 'orders', table: 'orders' },
    effectsOf: (id) => sql`
      select 'order row written' as what, ${ms('created_at')} as at, 'done' as state, null as note
      from orders where id = ${id}
      union all
      select 'order ' || status, case when status = 'PENDING' then ${ms('created_at')}
          else (select ${ms('max(outbox.created_at)')} from outbox where aggregateid = orders.id::text) end,
        case when status = 'PENDING' then 'waiting' else 'done' end,
        cancellation_reason
      from orders where id = ${id}`,
    backlog: {
      label: 'orders pending',
      query: sql`select count(*)::int as count, ${ms('min(created_at)')} as oldest
        from orders where status = 'PENDING'`,
    },
    orders: {
      latest: sql`select id::text, status, ${ms('created_at')} as at from orders order by id desc limit 8`,
      pending: sql`select id::text, status, ${ms('created_at')} as at from orders where status = 'PENDING'
        order by created_at limit 8`,
    },
  },
  {
    name: 'payment-service',
    shortName: 'payment',
    database: 'payments',
    consumes: ['order-events'],
    publishes: outboxOf('payment'),
    effect: { label: 'payments', table: 'payments' },
    effectsOf: (id) => sql`
      select 'payment ' || status as what, ${ms('updated_at')} as at,
        case when next_attempt_at is null then 'done' else 'waiting' end as state,
        case when next_attempt_at is null then reason
          else 'attempt ' || attempts || coalesce(', ' || last_error, '') end as note
      from payments where order_id = ${id}`,
    backlog: {
      label: 'payments under way',
      query: sql`select count(*)::int as count, ${ms('min(updated_at)')} as oldest
        from payments where next_attempt_at is not null`,
    },
  },
  {
    name: 'inventory-service',
    shortName: 'inventory',
    database: 'inventory',
    consumes: ['order-events'],
    publishes: outboxOf('inventory'),
    effect: { label: 'reservations', table: 'reservations' },
    effectsOf: (id) => sql`
      select 'stock ' || min(status) as what, ${ms('max(updated_at)')} as at, 'done' as state,
        max(reason) as note
      from reservations where order_id = ${id} having count(*) > 0`,
  },
  {
    name: 'notification-service',
    shortName: 'notification',
    database: 'notifications',
    consumes: ['order-events'],
    effect: { label: 'e-mails', table: 'emails' },
    effectsOf: (id) => sql`
      select 'e-mail ' || kind || ' ' || status as what, ${ms('coalesce(sent_at, created_at)')} as at,
        case status when 'SENT' then 'done' when 'REFUSED' then 'failed' else 'waiting' end as state,
        case status when 'REFUSED' then last_error
          when 'WAITING' then 'attempt ' || attempts || coalesce(', ' || last_error, '') end as note,
        case status when 'REFUSED'
          then 'npx walpost dead-letters retry-emails ' || order_id || ' --yes' end as help
      from emails where order_id = ${id} order by created_at`,
    backlog: {
      label: 'e-mails waiting',
      query: sql`select count(*)::int as count, ${ms('min(created_at)')} as oldest,
          (select count(*)::int from emails where status = 'REFUSED') as refused
        from emails where next_attempt_at is not null`,
      retry: 'npx walpost dead-letters retry-emails',
    },
  },
];
