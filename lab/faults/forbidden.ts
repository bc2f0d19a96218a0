import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { v7 as uuidv7 } from 'uuid';
import { eventually } from './eventually.ts';
import type { Attempt } from './evidence.ts';
import { isAway, type Lab, openSql } from './lab.ts';
import type { Publisher } from './plan.ts';

const TIMEOUT_S = 240;
/** More than topic and producer take. */
const OVERSIZED_BYTES = 2 * 2 ** 20;

/** SQLSTATEs. */
const CHECK_VIOLATION = '23514';
const INSUFFICIENT_PRIVILEGE = '42501';
/** successful_completion: nothing was refused. */
const DONE = '00000';

const SEND = `select pg_logical_emit_message(true, 'lab', 'of another program')`;

const databaseOf: Readonly<Record<Publisher, string>> = {
  order: 'orders',
  payment: 'payments',
  inventory: 'inventory',
};

/** Tries, as the service's own role, to write an event that the relay could not send; a small one beside it is taken. */
export async function writeOversizedRow(lab: Lab, publisher: Publisher): Promise<Attempt> {
  const database = databaseOf[publisher];
  const password = lab.env[`${database.toUpperCase()}_PASSWORD`] ?? '';
  const answered = await answerTo(lab, database, `${database}_app`, password, async (tx) => {
    const [row] = await lab.databases[publisher]<{ type: string; aggregatetype: string; payload: Buffer }[]>`
      select type, aggregatetype, payload from outbox limit 1`;
    if (row === undefined) throw new Error(`there is no event of ${publisher} yet`);
    const write = (version: number, payload: Buffer) => tx`
      insert into outbox (id, aggregatetype, aggregateid, aggregateversion, type, payload, ce_source, traceparent)
      values (${uuidv7()}, ${row.aggregatetype}, ${key}, ${version}, ${row.type}, ${payload}, '/lab',
        ${`00-${randomUUID().replaceAll('-', '')}-0af7651916cd43dd-01`})`;
    const key = uuidv7();
    await write(1, row.payload);
    return () => write(2, Buffer.alloc(OVERSIZED_BYTES));
  });
  return { what: `an outbox row of 2 MB by ${database}_app`, expected: CHECK_VIOLATION, answered };
}

/**
 * Sends a logical message, for which Debezium would make a record of a topic that is not there: as `observer`, to whom it
 * is forbidden, and as the superuser, to whom nothing is; there the connector has to ignore it.
 */
export async function sendForeignMessage(lab: Lab, publisher: Publisher): Promise<Attempt> {
  const database = databaseOf[publisher];
  const password = lab.env['OBSERVER_PASSWORD'] ?? '';
  await eventually('a logical message', TIMEOUT_S, () => lab.databases[publisher].unsafe(SEND));
  const answered = await answerTo(lab, database, 'observer', password, async (tx) => () => tx.unsafe(SEND));
  return { what: `a logical message by observer in ${database}`, expected: INSUFFICIENT_PRIVILEGE, answered };
}

/**
 * Has a role do something in a transaction that is rolled back.
 *
 * @param prepare does what must succeed, and gives what is to be refused
 * @returns the SQLSTATE of the answer
 */
async function answerTo(
  { env }: Lab,
  database: string,
  user: string,
  password: string,
  prepare: (tx: postgres.TransactionSql) => Promise<() => Promise<unknown>>,
): Promise<string> {
  return eventually(`asking as ${user}`, TIMEOUT_S, async () => {
    const sql = openSql(env, database, { user, password });
    try {
      return await sql.begin(async (tx) => {
        const forbidden = await prepare(tx);
        await forbidden();
        await tx`rollback`;
        return DONE;
      });
    } catch (error) {
      if (isAway(error) || !(error instanceof postgres.PostgresError)) throw error;
      return error.code;
    } finally {
      await sql.end({ timeout: 1 });
    }
  });
}
