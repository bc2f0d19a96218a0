import { reason } from '@walpost/schemas/errors';
import { topics } from '@walpost/schemas/topics';
import { Command } from 'commander';
import kafkajs, { type Admin } from 'kafkajs';
import { applyTopics } from './apply-topics.js';
import { CliError } from './cli-error.js';
import type { Config } from './config.js';
import { describeTopics } from './describe-topics.js';
import { jsonOption, waitOption } from './options.js';
import { printJson, printTable } from './output.js';
import { untilAvailable } from './wait.js';

interface Options {
  wait: number;
  json?: true;
  growPartitions?: true;
}

/** `walpost topics …` */
export function topicsCommand(config: () => Config): Command {
  const group = new Command('topics').description('the Kafka topics');

  group
    .command('apply')
    .description('create missing topics and correct the settings of the others')
    .option('--grow-partitions', 'add partitions that are missing (moves keys to other partitions)')
    .addOption(waitOption())
    .action(async (options: Options) => {
      const settings = config();
      const outcomes = await withAdmin(settings, options, (admin) =>
        applyTopics(admin, topics, {
          replicationFactor: settings.kafkaReplicationFactor,
          growPartitions: options.growPartitions ?? false,
        }),
      );
      printTable(
        ['TOPIC', 'OUTCOME'],
        outcomes.map(({ topic, changes }) => [topic, changes.join(', ') || 'unchanged']),
      );
      for (const { topic, warnings } of outcomes) {
        for (const warning of warnings) console.error(`walpost: warning: ${topic} ${warning}`);
      }
    });

  group
    .command('describe')
    .description('show partitions, leaders, replicas and settings of the declared topics')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async (options: Options) => {
      const rows = await withAdmin(config(), options, (admin) => describeTopics(admin, topics));
      if (options.json) printJson(rows);
      else {
        printTable(
          ['TOPIC', 'PARTITIONS', 'REPLICAS', 'LEADERS', 'UNDER-REPLICATED', 'SETTINGS'],
          rows.map((row) => [
            row.topic,
            row.exists ? row.partitions : 'missing',
            row.replicationFactor,
            row.leaders.join(' ') || '-',
            row.underReplicated,
            Object.entries(row.config)
              .map(([name, value]) => `${name}=${value}`)
              .join(' ') || '-',
          ]),
        );
      }
      const missing = rows.filter((row) => !row.exists).map((row) => row.topic);
      if (missing.length > 0)
        throw new CliError(`missing: ${missing.join(', ')}; run \`walpost topics apply\``);
    });

  return group;
}

async function withAdmin<T>(
  { kafkaBrokers }: Config,
  { wait }: Options,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const kafka = new kafkajs.Kafka({
    clientId: 'walpost-cli',
    brokers: [...kafkaBrokers],
    connectionTimeout: 3000,
    requestTimeout: 10_000,
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 500 },
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  try {
    await untilAvailable(() => admin.connect(), { seconds: wait, retryable: () => true });
    return await work(admin);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`Kafka at ${kafkaBrokers.join(',')}: ${reason(error)}`, { cause: error });
  } finally {
    await admin.disconnect();
  }
}
