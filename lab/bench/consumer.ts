import { setting } from 'walpost/stack/settings';
import { BATCH, openConsumerLoad } from './consumer-load.ts';
import { javaConsumerRate } from './kafka.ts';
import type { Bench, Measurement } from './measurement.ts';
import { STREAM_PARTS } from './parts.ts';
import { pgbench } from './pgbench.ts';
import { summarize } from './statistics.ts';

const TOPIC = 'bench-consumer';
const PARTITIONS = 6;
/** Connections of pgbench, as many as the kit's consumer has. */
const CLIENTS = 4;

/** How many events a second a service acts on, inbox and effect in one transaction. */
export const consumer: Measurement = {
  name: 'consumer',
  summary:
    'the kit with the payment service’s handler, against its statements by pgbench, and a plain Java reader',
  parts: STREAM_PARTS,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { stack, quick, say, compare, note } = bench;
  const events = quick ? 20_000 : 100_000;
  say(`writing ${events} events`);
  const { fill, clean, consume } = await openConsumerLoad(bench);
  await fill(TOPIC, PARTITIONS, events);
  await consume(TOPIC, events);
  const costs: number[] = [];

  await compare({
    title: `${events} events`,
    metrics: [{ name: 'rate', unit: 'events/s', better: 'more' }],
    subject: {
      label: 'kit, inbox and payment',
      async sample() {
        await clean();
        const { rate, cpu } = await consume(TOPIC, events);
        costs.push(cpu);
        return { rate };
      },
    },
    references: [
      {
        label: 'pgbench, the same statements',
        goals: { rate: '0.6 (stretch 0.8)' },
        async sample() {
          await clean();
          const transactions = await pgbench(stack, {
            database: 'payments',
            user: 'payments_app',
            password: setting(stack.env, 'PAYMENTS_PASSWORD'),
            clients: CLIENTS,
            seconds: quick ? 2 : 4,
            script: STATEMENTS,
          });
          return { rate: BATCH * transactions };
        },
      },
      {
        label: 'kafka-consumer-perf-test, no effect',
        goals: { rate: '0.02' },
        sample: async () => ({ rate: await javaConsumerRate(stack, TOPIC, events) }),
      },
    ],
  });
  const { median } = summarize(costs);
  note(`the kit's process had ${median.toFixed(0)} µs of the CPU for each event, one thread`);
}

const keys = `any(array(select uuidv7()::text from generate_series(1, ${BATCH})))`;

/** What the kit and the handler send for a batch, with rows that the server makes up instead of receiving them. */
const STATEMENTS = `begin;
select key, max(version) from inbox where topic = '${TOPIC}' and key = ${keys} group by key;
insert into inbox (event_id, topic, key, version, received_at) select uuidv7(), '${TOPIC}', uuidv7()::text, 1, now() from generate_series(1, ${BATCH})
  on conflict do nothing returning event_id;
select key from dead_letters where state in ('dead', 'parked') and topic = '${TOPIC}' and key = ${keys};
insert into payments (id, order_id, customer_id, amount, currency, traceparent, status, version, next_attempt_at,
  created_at, updated_at)
  select uuidv7(), uuidv7(), 'ada', 3499, 'EUR', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'REQUESTED', 0, now(), now(), now() from generate_series(1, ${BATCH})
  on conflict (order_id) do nothing;
commit;
`;
