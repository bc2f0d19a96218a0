import { databaseFault } from '@walpost/kit/errors';
import { openDatabase } from '@walpost/kit/postgres/database';
import { sql } from 'drizzle-orm';
import { rootReason } from '../../check.ts';
import { CliError, UsageError } from '../../cli-error.ts';
import type { Config } from '../../config.ts';
import { awaitConnector } from '../../connect/await-connector.ts';
import { createConnectClient } from '../../connect/connect-client.ts';
import { serverIn } from '../../observe/open-observed.ts';
import { DRY_RUN } from '../../options.ts';

/** How long Kafka Connect may take to answer, and to end or start a connector's task, s. */
const TIMEOUT_S = 60;

/**
 * Drops a slot that the server has given up, so that its connector makes a new one: it then reads the whole outbox table
 * again, and consumers drop by their inbox what they have seen.
 * @param connector its name
 * @param yes without it nothing is changed
 * @throws CliError when the slot is not lost, the role cdc cannot be used, or Kafka Connect does not do its part
 */
export async function recreateSlot(config: Config, connector: string, yes: boolean): Promise<void> {
  const service = config.system.services.find(({ publishes }) => publishes?.connector === connector);
  const slot = service?.publishes?.slot;
  if (!service || slot === undefined) {
    const known = config.system.services.flatMap(({ publishes }) => publishes?.connector ?? []);
    throw new UsageError(`there is no connector ${connector}; there are ${known.join(', ')}`);
  }
  const { servers, cdcPassword: password } = config;
  if (password === undefined)
    throw new CliError('CDC_PASSWORD is not set; it is the password of the role cdc');
  const { database } = service;
  const server = serverIn(servers, service.name);
  const options = { ...server, database, user: 'cdc', password, applicationName: 'walpost-cli' };
  const { db, close } = openDatabase({ ...options, connections: 1 });
  try {
    const [found] = await db.execute<{ status: string }>(
      sql`select wal_status as status from pg_replication_slots where slot_name = ${slot}`,
    );
    if (!found) throw new CliError(`there is no slot ${slot}: its connector makes one when it starts`);
    if (found.status !== 'lost')
      throw new CliError(
        `slot ${slot} is ${found.status}: it is good, and what it has not confirmed would be sent again`,
      );
    if (yes)
      await whileStopped(config, connector, async () => {
        const [dropped] = await db.execute(
          sql`select pg_drop_replication_slot(slot_name) from pg_replication_slots
            where slot_name = ${slot} and wal_status = 'lost'`,
        );
        if (!dropped) throw new CliError(`slot ${slot} is not lost any more: somebody else has recreated it`);
      });
    console.log(
      yes
        ? `dropped slot ${slot}: ${connector} recreates it, and sends what the outbox still has`
        : `would drop slot ${slot}, which is lost; ${connector} then recreates it, and sends what the outbox still has`,
    );
    if (!yes) console.log(DRY_RUN);
  } catch (error) {
    if (databaseFault(error) === undefined) throw error;
    throw new CliError(`database ${database} as cdc: ${rootReason(error)}`, { cause: error });
  } finally {
    await close();
  }
}

/**
 * Does something while a connector is stopped, has it forget how far it has read, and lets it go on, unless somebody had
 * stopped it. Kafka Connect waits only 5 s for a task's end. One that asks for its slot again and again outlives
 * that, recreates the slot as soon as it is gone, and the next task would read on from there, past what was written
 * meanwhile. Without offsets it reads the outbox first.
 */
async function whileStopped(config: Config, name: string, step: () => Promise<unknown>): Promise<void> {
  const connect = createConnectClient(config.connect, TIMEOUT_S);
  const state = (await connect.status(name))?.connector.state;
  if (state === undefined) {
    await step();
    return;
  }
  const wait = { seconds: TIMEOUT_S, restartFailed: false };
  if (state !== 'STOPPED') await connect.stop(name);
  try {
    await awaitConnector(connect, name, 'STOPPED', wait);
    await step();
    await connect.resetOffsets(name);
  } finally {
    if (state === 'PAUSED') await connect.pause(name);
    else if (state !== 'STOPPED') await connect.resume(name);
  }
  if (state === 'PAUSED' || state === 'STOPPED')
    console.log(`${name} is ${state}: \`walpost connectors resume ${name}\` has it go on`);
  // Where the old task was quicker, the new one finds a slot that it wanted to make, and fails once.
  else await awaitConnector(connect, name, 'RUNNING', { ...wait, restartFailed: true, resumed: true });
}
