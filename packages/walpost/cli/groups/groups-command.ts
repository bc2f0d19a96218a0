import type { System } from '@walpost/kit/config';
import type { ListedGroup } from '@walpost/kit/kafka/requests';
import { Command } from 'commander';
import { CliError } from '../../cli-error.ts';
import type { Config } from '../../config.ts';
import { withKafka } from '../../kafka.ts';
import {
  describeGroup,
  type GroupProgress,
  type PartitionProgress,
  probeLagOnce,
} from '../../observe/describe-group.ts';
import { behind } from '../../observe/diagnose-group.ts';
import { openSince, transactionText } from '../../observe/open-transactions.ts';
import { consumerGroups } from '../../observe/services.ts';
import { type KafkaClients, PROBE_PREFIX } from '../../observe/topic-reader.ts';
import { DRY_RUN, jsonOption, waitOption, wholeNumber, yesOption } from '../../options.ts';
import { formatAge, printable, printJson, printTable } from '../../output.ts';
import { applyReset, type OffsetMove, parseTarget, planReset } from './reset-group.ts';

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

/** `walpost groups …` */
export function groupsCommand(config: () => Config): Command {
  const ours = () => consumerGroups(config().system);
  const group = new Command('groups').description('consumer groups and how far they have read');

  group
    .command('list')
    .description('list our groups and all others that Kafka has')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async ({ wait, json }: Options) => {
      const rows = await withKafka(config(), wait, async (kafka) => {
        const listed = kafka.requests.listGroups();
        const names = [...new Set([...ours(), ...namesOf(await listed)])];
        return (
          await Promise.all(names.map((name) => describeGroup(kafka, name, probeLagOnce(kafka), listed)))
        ).map(total);
      });
      if (json) printJson(rows);
      else {
        printTable(
          ['GROUP', 'STATE', 'MEMBERS', 'LAG', 'OLDEST UNREAD', 'TYPE'],
          rows.map((row) => [
            printable(row.group),
            row.state === 'Dead' ? 'none' : row.state,
            row.members,
            row.problem ?? row.lag,
            ageOf(row.oldestUnread),
            row.type,
          ]),
        );
      }
    });

  group
    .command('describe')
    .description('show committed, end, lag, member and oldest unread record of every partition')
    .argument('<group>', 'as groups list shows it')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async (name: string, { wait, json }: Options) => {
      const progress = await withKafka(config(), wait, async (kafka) => {
        await existing(kafka, name, ours());
        return describeGroup(kafka, name, probeLagOnce(kafka));
      });
      if (json) printJson(progress);
      else printProgress(progress);
    });

  group
    .command('reset')
    .description('let a group read a topic from another place on; refused while it has members')
    .argument('<group>', 'as groups list shows it')
    .requiredOption('--topic <topic>', 'of which topic')
    .requiredOption('--to <where...>', 'earliest | latest | offset N | time ISO, with its zone')
    .option('--partition <number>', 'only this partition', wholeNumber(0, 2_147_483_647))
    .addOption(yesOption())
    .addOption(waitOption())
    .action(async (name: string, { topic, to, partition, yes, wait }: ResetOptions) => {
      const target = parseTarget(to);
      await withKafka(config(), wait, async (kafka) => {
        await existing(kafka, name, ours());
        const moves = await planReset(kafka, name, topic, partition, target, topicsOf(config().system, name));
        if (yes) await applyReset(kafka, name, topic, moves);
        printTable(
          ['TOPIC', 'PARTITION', 'OLD', 'NEW', 'EFFECT'],
          moves.map((move) => [topic, move.partition, move.before, move.after, effectOf(move)]),
        );
        if (ours().includes(name)) {
          console.log('the inbox knows what was handled: what is read again has no effect again');
        }
        console.log(yes ? `group ${name} was reset` : DRY_RUN);
      });
    });

  return group;
}

/** What one of our groups reads, also before it has begun. */
function topicsOf({ services }: System, group: string): readonly string[] {
  return services.find((service) => service.group === group)?.consumes ?? [];
}

function namesOf(groups: readonly ListedGroup[]): string[] {
  // A probe of another command at the same time is no group of anybody.
  return groups
    .map(({ group }) => group)
    .filter((name) => !name.startsWith(PROBE_PREFIX))
    .sort();
}

/** @throws CliError for a name that is neither ours nor known to Kafka: most likely a typing error */
async function existing({ requests }: KafkaClients, name: string, ours: readonly string[]): Promise<void> {
  if (ours.includes(name)) return;
  const names = namesOf(await requests.listGroups());
  if (!names.includes(name))
    throw new CliError(`Kafka has no group ${name}; it has ${names.join(', ') || 'none'}`);
}

interface GroupTotal {
  readonly group: string;
  readonly type: string;
  readonly state: string;
  readonly members: number | null;
  /** Null when there is a problem: it would not be all of it. */
  readonly lag: number | null;
  readonly problem: string | null;
  readonly oldestUnread: number | null;
}

function total(progress: GroupProgress): GroupTotal {
  const { group, type, state, members, partitions } = progress;
  const { lag, oldest } = behind(progress);
  const [problem = null] = partitions.flatMap((each) => each.problem ?? []);
  return {
    group,
    type,
    state,
    members,
    lag: problem === null ? lag : null,
    problem,
    oldestUnread: oldest,
  };
}

function printProgress({ group, type, state, members, partitions }: GroupProgress): void {
  const kind = type === 'classic' ? '' : `, type ${printable(type)}`;
  console.log(
    `${printable(group)}: ${state === 'Dead' ? 'none yet' : state}, members: ${members ?? 'not known'}${kind}`,
  );
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
      row.end ?? row.problem ?? 'topic is gone',
      row.lag,
      ageOf(row.oldestUnread),
      row.memberId === null ? null : printable(row.memberId),
      row.host,
    ]),
  );
  for (const { topic, partition, expired } of partitions.filter(lostSome)) {
    console.log(
      `  ${printable(topic)}/${partition}: ${expired} offsets were removed by retention before they were read, or were an aborted transaction's; \`walpost outbox audit\` says whether an event is missing`,
    );
  }
  for (const open of partitions.flatMap(({ openTransaction }) => openTransaction ?? [])) {
    console.log(`  ${printable(transactionText(open))}, since ${new Date(openSince(open)).toISOString()}`);
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
