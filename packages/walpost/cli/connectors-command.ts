import { join } from 'node:path';
import { parseHostPort } from '@walpost/kit/kafka/host-port';
import { describeProcess } from '@walpost/kit/telemetry/metrics';
import { Command, Option } from 'commander';
import { CliError, UsageError } from '../cli-error.ts';
import type { Config } from '../config.ts';
import { applyConnectors } from '../connect/apply-connectors.ts';
import { awaitConnector, failure } from '../connect/await-connector.ts';
import { type ConnectClient, type ConnectorConfig, createConnectClient } from '../connect/connect-client.ts';
import { readConnectorFiles } from '../connect/connector-files.ts';
import { debeziumProblem } from '../connect/debezium-version.ts';
import { createKafkaView } from '../observe/kafka-view.ts';
import { readConnectors } from '../observe/read-connectors.ts';
import { consumerGroups, publishedTopics } from '../observe/services.ts';
import { jsonOption, seconds, setOption, timeoutOption, waitOption } from '../options.ts';
import { printJson, printTable } from '../output.ts';
import type { Project } from '../project.ts';
import { exposeConnectors, exposeGroups } from '../watcher/relay-metrics.ts';
import { serveWatcher } from '../watcher/serve-watcher.ts';
import { watchConnectors } from '../watcher/watch-connectors.ts';

interface Options {
  wait: number;
  timeout: number;
  dir: string;
  json?: true;
  yes?: true;
}

/** `walpost connectors …` */
export function connectorsCommand(
  config: () => Config,
  _env: NodeJS.ProcessEnv,
  { folder }: Project,
): Command {
  const group = new Command('connectors').description('the Debezium connectors');
  const command = (name: string, description: string) =>
    group
      .command(name)
      .description(description)
      .addOption(
        new Option('--dir <folder>', 'folder of the connector files').default(
          join(folder, 'connectors'),
          'connectors/',
        ),
      )
      .addOption(waitOption());

  command('apply', 'create or change the connectors and wait until every task runs')
    .argument('[name...]', 'all when none is given')
    .addOption(timeoutOption())
    .addOption(setOption())
    .action(async (names: string[], options: Options & { set: ConnectorConfig }) => {
      const files = readConnectorFiles(options.dir, names).map(({ name, config }) => ({
        name,
        config: { ...config, ...options.set },
      }));
      const connect = await reach(config(), options);
      const problem = debeziumProblem(await connect.plugins());
      if (problem !== undefined) throw new CliError(problem);
      const outcomes = await applyConnectors(connect, files, options.timeout);
      printTable(
        ['CONNECTOR', 'OUTCOME', 'STATE'],
        outcomes.map(({ name, outcome }) => [name, outcome, 'RUNNING']),
      );
    });

  command('status', 'show the state of connectors and tasks; exit 1 when one is not RUNNING')
    .argument('[name...]', 'all when none is given')
    .addOption(jsonOption())
    .action(async (names: string[], options: Options) => {
      const rows = await statusRows(await reach(config(), options), namesIn(names, options));
      if (options.json) printJson(rows);
      else {
        printTable(
          ['CONNECTOR', 'STATE', 'TASK', 'STATE', 'WORKER'],
          rows.map((row) => [row.connector, row.state, row.task, row.taskState, row.worker]),
        );
        for (const row of rows) if (row.error !== undefined) console.log(`  ${row.connector}: ${row.error}`);
      }
      const down = rows.filter((row) => row.state !== 'RUNNING' || row.taskState !== 'RUNNING');
      const downNames = [...new Set(down.map((row) => row.connector))];
      if (downNames.length > 0) throw new CliError(`not running: ${downNames.join(', ')}`);
    });

  for (const [action, wanted] of [
    ['restart', 'RUNNING'],
    ['pause', 'PAUSED'],
    ['stop', 'STOPPED'],
    ['resume', 'RUNNING'],
  ] as const) {
    // A paused task keeps its slot, and its connection; one that is stopped lets go of both.
    command(action, `${action} connectors with all their tasks and wait until they are ${wanted}`)
      .argument('[name...]', 'all when none is given')
      .addOption(timeoutOption())
      .action(async (names: string[], options: Options) => {
        const connect = await reach(config(), options);
        const chosen = namesIn(names, options);
        // All or none: one that is not there is a typing error.
        for (const name of chosen) await existing(connect, name);
        for (const name of chosen) {
          if (action === 'restart') await connect.restart(name, { onlyFailed: false });
          else await connect[action](name);
        }
        for (const name of chosen) {
          // A restart may still show the failure that it is there to fix.
          const restartFailed = action === 'restart';
          const resumed = action === 'resume';
          await awaitConnector(connect, name, wanted, { seconds: options.timeout, restartFailed, resumed });
        }
        printTable(
          ['CONNECTOR', 'STATE'],
          chosen.map((name) => [name, wanted]),
        );
      });
  }

  command('watch', 'restart what fails of the connectors, until it is stopped')
    .argument('[name...]', 'all when none is given')
    .addOption(new Option('--every <seconds>', 'how often to look').argParser(seconds(0.1)).default(2))
    .option(
      '--metrics <host:port>',
      'serve /metrics there: connectors, tasks, the lag of the services; and /health/ready',
    )
    .action(async (names: string[], options: Options & { every: number; metrics?: string }) => {
      const metrics = await startMetrics(config(), namesIn(names, options), options.metrics);
      const stop = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
      await watchConnectors(createConnectClient(config().connect, 0), namesIn(names, options), {
        everySeconds: options.every,
        signal: stop.signal,
        say: (line) => console.log(`${new Date().toISOString()} ${line}`),
      });
      await metrics?.close();
    });

  command('delete', 'delete connectors; their replication slots and offsets stay')
    .argument('<name...>', 'which')
    .option('--yes', 'really do it')
    .action(async (names: string[], options: Options) => {
      if (!options.yes) {
        throw new UsageError(
          `this stops events from ${names.join(', ')}, and the slot left behind holds back write-ahead log until it is dropped; add --yes to do it`,
        );
      }
      const connect = await reach(config(), options);
      const configs = new Map<string, ConnectorConfig>();
      for (const name of names) configs.set(name, await existing(connect, name));
      for (const [name, { 'slot.name': slot, 'database.dbname': database }] of configs) {
        await connect.delete(name);
        console.log(
          `deleted ${name}; its slot stays and holds back write-ahead log. To drop it, on ${database}:`,
        );
        console.log(`  SELECT pg_drop_replication_slot('${slot}');`);
      }
    });

  return group;
}

/** Tells what the watcher sees, when an address is given. */
async function startMetrics(
  { system, kafka: access, connect }: Config,
  names: readonly string[],
  address?: string,
) {
  if (address === undefined) return undefined;
  const listenAt = parseHostPort(address, 0);
  if ('problem' in listenAt) throw new UsageError(`--metrics: "${address}" ${listenAt.problem}`);
  const read = () => readConnectors(connect);
  const server = await serveWatcher(listenAt, names, read);
  const kafka = createKafkaView('walpost-watcher', access, publishedTopics(system));
  describeProcess('watcher');
  const groups = consumerGroups(system);
  const stops = [exposeConnectors(names, read), exposeGroups(() => kafka.groups(groups))];
  return {
    async close() {
      await server.close();
      for (const stop of stops) stop();
      await kafka.close();
    },
  };
}

function namesIn(names: readonly string[], { dir }: Options): readonly string[] {
  return names.length > 0 ? names : readConnectorFiles(dir, []).map(({ name }) => name);
}

async function existing(connect: ConnectClient, name: string) {
  const found = await connect.config(name);
  if (found) return found;
  const names = await connect.names();
  throw new CliError(`Kafka Connect has no connector ${name}; it has ${names.join(', ') || 'none'}`);
}

async function reach({ connect: access }: Config, { wait }: Options): Promise<ConnectClient> {
  const connect = createConnectClient(access, wait);
  await connect.names();
  return connect;
}

interface StatusRow {
  readonly connector: string;
  readonly state: string;
  readonly task: number | null;
  readonly taskState: string | null;
  readonly worker: string | null;
  readonly error?: string;
}

async function statusRows(connect: ConnectClient, names: readonly string[]): Promise<StatusRow[]> {
  const statuses = await Promise.all(names.map((name) => connect.status(name)));
  return names.flatMap((name, position): StatusRow[] => {
    const status = statuses[position];
    if (!status) return [{ connector: name, state: 'MISSING', task: null, taskState: null, worker: null }];
    const { connector, tasks } = status;
    const error = failure(status);
    const rest = { connector: name, state: connector.state, ...(error === undefined ? {} : { error }) };
    if (tasks.length === 0) return [{ ...rest, task: null, taskState: null, worker: connector.worker_id }];
    return tasks.map((task) => ({ ...rest, task: task.id, taskState: task.state, worker: task.worker_id }));
  });
}
