import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { ConfigError } from '@walpost/kit/errors';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CliError, UsageError } from '../../cli-error.ts';
import { type ConnectorFile, readConnectorFiles } from '../../connect/connector-files.ts';
import { checkFiles } from '../../export/kubernetes/check-files.ts';
import { DEBEZIUM_VERSION } from '../../export/kubernetes/connect.ts';
import { kubernetesFiles, yamlOf } from '../../export/kubernetes/kubernetes-files.ts';
import type { Scope, Target } from '../../export/kubernetes/resource.ts';
import { secretsNeeded } from '../../export/kubernetes/secrets.ts';
import { wholeNumber } from '../../options.ts';
import { printTable } from '../../output.ts';
import { programOf } from '../../program-of.ts';
import type { Project } from '../../project.ts';

type Options = Omit<Target, 'postgres' | 'programs' | 'toolsImage'> & {
  readonly toolsImage?: string;
  readonly to: string;
  readonly check?: true;
  readonly postgresHost: string;
  readonly postgresPort: number;
};

/** `walpost export kubernetes` */
export function exportKubernetesCommand({ folder, system }: Project): Command {
  const port = wholeNumber(1, 65_535);
  return new Command('kubernetes')
    .description('write what the project is in Kubernetes, with the operators Strimzi and KEDA')
    .option('--check', 'write nothing; read the files back, and exit 1 when they are not as they must be')
    .option('--to <folder>', 'where the files are, from the folder of the project', 'kubernetes')
    .option('--namespace <name>', "the Kafka cluster's, where Strimzi makes the users' Secrets", system.name)
    .option('--cluster <name>', "the name of Strimzi's Kafka", 'kafka')
    .option(
      '--image <name>',
      'the image of the services: Node in the folder of the project',
      `${system.name}/services:latest`,
    )
    .option(
      '--tools-image <name>',
      'one that has walpost in it: migrations, console, watcher (default: that image)',
    )
    .option(
      '--connect-image <name>',
      'where Strimzi puts the image of Kafka Connect that it builds',
      `${system.name}/connect:${DEBEZIUM_VERSION}`,
    )
    .addOption(
      new Option('--replication-factor <n>', 'copies of each partition')
        .argParser(wholeNumber(1, 100))
        .default(3),
    )
    .addOption(
      new Option('--registry-url <url>', 'of the schema registry')
        .argParser(httpAddress)
        .default('http://registry:8080/apis/ccompat/v7'),
    )
    .option('--postgres-host <host>', 'of the Postgres server', 'postgres')
    .addOption(new Option('--postgres-port <port>', 'of the Postgres server').argParser(port).default(5432))
    .addOption(
      new Option('--lag <records>', 'how many records that wait have another process of a service started')
        .argParser(wholeNumber(1))
        .default(1_000),
    )
    .action(({ to, check, postgresHost, postgresPort, toolsImage, ...options }: Options) => {
      const programs = {
        walpost: 'node_modules/.bin/walpost',
        console: relative(folder, programOf('console/main')),
      };
      const postgres = { host: postgresHost, port: postgresPort };
      const images = { toolsImage: toolsImage ?? options.image };
      const scope = { system, target: { ...options, ...images, postgres, programs } };
      const names = system.services.flatMap(({ publishes }) => publishes?.connector ?? []);
      const connectors = names.length > 0 ? readConnectorFiles(join(folder, 'connectors'), names) : [];
      try {
        if (check) checkFolder(scope, connectors, folder, to);
        else write(scope, connectors, folder, to);
      } catch (error) {
        throw error instanceof ConfigError ? new CliError(error.message, { cause: error }) : error;
      }
    });
}

function httpAddress(text: string): string {
  if (/^https?:/.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError('Give an http address.');
}

function write(scope: Scope, connectors: readonly ConnectorFile[], folder: string, to: string): void {
  const files = Object.entries(kubernetesFiles(scope, connectors));
  mkdirSync(resolve(folder, to), { recursive: true });
  for (const [file, objects] of files) writeFileSync(resolve(folder, to, file), yamlOf(objects));
  printTable(
    ['FILE', 'OBJECTS'],
    files.map(([file, objects]) => [join(to, file), objects.length]),
  );
  console.log();
  printTable(
    ['SECRET', 'KEYS', 'MADE BY', 'VALUE OF'],
    secretsNeeded(scope.system, scope.target).map(({ name, keys, madeBy, variable }) => [
      ...[name, keys.join(', '), madeBy],
      variable,
    ]),
  );
}

function checkFolder(scope: Scope, connectors: readonly ConnectorFile[], folder: string, to: string): void {
  // What else is there, as a kustomization.yaml, is its owner's.
  const files = Object.keys(kubernetesFiles(scope, connectors)).filter((file) =>
    existsSync(resolve(folder, to, file)),
  );
  if (files.length === 0) throw new UsageError(`${to} has no such files: write them first, without --check`);
  const texts = files.map((file) => [file, readFileSync(resolve(folder, to, file), 'utf8')]);
  const problems = checkFiles(scope, connectors, Object.fromEntries(texts));
  if (problems.length > 0) throw new CliError(`${to} is not as it must be:\n  ${problems.join('\n  ')}`);
  console.log(`${files.length} files in ${to} are what the project says`);
}
