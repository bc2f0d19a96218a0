import { retentionProblem } from '@walpost/kit/service/retention';
import { Command } from 'commander';
import { CliError } from '../../cli-error.ts';
import { type Config, retentionOf } from '../../config.ts';
import { withKafka } from '../../kafka.ts';
import { describeTopics } from '../../observe/describe-topics.ts';
import { jsonOption, waitOption } from '../../options.ts';
import { printJson, printTable } from '../../output.ts';
import { applyTopics } from './apply-topics.ts';

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
      // Before Kafka keeps records for longer than consumers remember them.
      const problem = retentionProblem(retentionOf(settings), settings.system.topics);
      if (problem !== undefined) throw new CliError(problem);
      const outcomes = await withKafka(settings, options.wait, ({ admin }) =>
        applyTopics(admin, settings.system.topics, {
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
      const settings = config();
      const rows = await withKafka(settings, options.wait, ({ admin }) =>
        describeTopics(admin, settings.system.topics),
      );
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
