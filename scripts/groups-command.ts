import {
  describeGroup,
  type GroupProgress,
  type PartitionProgress,
  peekOnce,
} from '@walpost/kit/observe/describe-group';
import { PEEK_PREFIX } from '@walpost/kit/observe/topic-reader';
import { Command } from 'commander';
import type { Admin } from 'kafkajs';
import { CliError } from './cli-error.js';
import type { Config } from './config.js';
import { withKafka } from './kafka.js';
import { jsonOption, waitOption, wholeNumber, yesOption } from './options.js';
import { formatAge, printable, printJson, printTable } from './output.js';
import { applyReset, type OffsetMove, parseTarget, planReset } from './reset-group.js';
import { serviceNames, services } from './services.js';

interface Options {
  wait: number;
  json?: true;
}
interface ResetOptions extends Options {
  topic: string;
  to: string[];
  partition?: number;
  yes?: true;
}

const OURS: readonly string[] = serviceNames.map((name) => services[name].group);

/** `walpost groups …` */
export function groupsCommand(config: () => Config): Command {
  const group = new Command('groups').description('consumer groups and how far they have read');

  group
    .command('list')
    .description('list our groups and all others that Kafka has')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async ({ wait, json }: Options) => {
      const rows = await withKafka(config(), wait, async (kafka) => {
        const names = [...new Set([...OURS, ...(await groupNames(kafka.admin))])];
        return (
          await Promise.all(names.map((name) => describeGroup(kafka.admin, name, peekOnce(kafka))))
        ).map(total);
      });
      if (json) printJson(rows);
      else {
        printTable(
          ['GROUP', 'STATE', 'MEMBERS', 'LAG', 'OLDEST UNREAD'],
          rows.map((row) => [
            printable(row.group),
            row.state === 'Dead' ? 'none' : row.state,
            row.members,
            row.lag,
            ageOf(row.oldestUnread),
          ]),
        );
      }
    });

  group
    .command('describe')
    .description('show committed, end, lag, member and oldest unread record of every partition')
    .argument('<group>', 'e.g. payment-service')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async (name: string, { wait, json }: Options) => {
      const progress = await withKafka(config(), wait, async (kafka) => {
        await existing(kafka.admin, name);
        return describeGroup(kafka.admin, name, peekOnce(kafka));
      });
      if (json) printJson(progress);
      else printProgress(progress);
    });

  group
    .command('reset')
    .description('let a group read a topic from another place on; refused while it has members')
    .argument('<group>', 'e.g. payment-service')
    .requiredOption('--topic <topic>', 'of which topic')
    .requiredOption('--to <where...>', 'earliest | latest | offset N | time ISO')
    .option('--partition <number>', 'only this partition', wholeNumber(0))
    .addOption(yesOption())
    .addOption(waitOption())
    .action(async (name: string, { topic, to, partition, yes, wait }: ResetOptions) => {
      const target = parseTarget(to);
      await withKafka(config(), wait, async (kafka) => {
        await existing(kafka.admin, name);
        const moves = await planReset(kafka.admin, name, topic, partition, target);
        if (yes) await applyReset(kafka, name, topic, moves);
        printTable(
          ['TOPIC', 'PARTITION', 'OLD', 'NEW', 'EFFECT'],
          moves.map((move) => [topic, move.partition, move.before, move.after, effectOf(move)]),
        );
        if (OURS.includes(name)) {
          console.log('the inbox knows what was handled: what is read again has no effect again');
        }
        console.log(yes ? `group ${name} was reset` : 'dry run: nothing was changed; --yes does it');
      });
    });

  return group;
}

async function groupNames(admin: Admin): Promise<string[]> {
  const { groups } = await admin.listGroups();
  // A peek of another command at the same time is no group of anybody.
  return groups
    .map(({ groupId }) => groupId)
    .filter((name) => !name.startsWith(PEEK_PREFIX))
    .sort();
}

/** @throws CliError for a name that is neither ours nor known to Kafka: most likely a typing error */
async function existing(admin: Admin, name: string): Promise<void> {
  if (OURS.includes(name)) return;
  const names = await groupNames(admin);
  if (!names.includes(name))
    throw new CliError(`Kafka has no group ${name}; it has ${names.join(', ') || 'none'}`);
}

interface GroupTotal {
  readonly group: string;
  readonly state: string;
  readonly members: number;
  readonly lag: number;
  readonly oldestUnread: number | null;
}

function total({ group, state, members, partitions }: GroupProgress): GroupTotal {
  const times = partitions.flatMap(({ oldestUnread }) => oldestUnread ?? []);
  return {
    group,
    state,
    members,
    lag: partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
    oldestUnread: times.length === 0 ? null : Math.min(...times),
  };
}

function printProgress({ group, state, members, partitions }: GroupProgress): void {
  console.log(`${printable(group)}: ${state === 'Dead' ? 'none yet' : state}, members: ${members}`);
  if (partitions.length === 0) {
    console.log('nothing committed and nothing assigned');
    return;
  }
  printTable(
    ['TOPIC', 'PARTITION', 'COMMITTED', 'END', 'LAG', 'OLDEST UNREAD', 'MEMBER', 'HOST'],
    partitions.map((row) => [
      printable(row.topic),
      row.partition,
      row.committed,
      row.end ?? 'topic is gone',
      row.lag,
      ageOf(row.oldestUnread),
      row.memberId === null ? null : printable(row.memberId),
      row.host,
    ]),
  );
  for (const { topic, partition, expired } of partitions.filter(lostSome)) {
    console.log(
      `  ${printable(topic)}/${partition}: ${expired} offsets were removed by retention before they were read`,
    );
  }
}

/** Without a commit nobody has promised to read from the very first record on. */
function lostSome({ committed, expired }: PartitionProgress): boolean {
  return committed !== null && expired > 0;
}

function ageOf(time: number | null): string | null {
  return time === null ? null : formatAge((Date.now() - time) / 1000);
}

function effectOf({ before, after }: OffsetMove): string {
  if (before === null) return 'first commit';
  const difference = BigInt(after) - BigInt(before);
  if (difference === 0n) return 'unchanged';
  return difference < 0n ? `reads ${-difference} again` : `skips ${difference}`;
}
