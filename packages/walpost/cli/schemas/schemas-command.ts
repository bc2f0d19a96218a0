import { RegistryError } from '@walpost/kit/contract/errors';
import { createRegistry, type Registry } from '@walpost/kit/contract/registry';
import { Command } from 'commander';
import { CliError } from '../../cli-error.ts';
import type { Config } from '../../config.ts';
import { requireFreshContract } from '../../generated-file.ts';
import { checkSchemas } from '../../observe/check-schemas.ts';
import { jsonOption, waitOption } from '../../options.ts';
import { printJson, printTable } from '../../output.ts';
import { untilAvailable } from '../../wait.ts';
import { registerSchemas } from './register-schemas.ts';

interface Options {
  wait: number;
  json?: true;
}

/** `walpost schemas …` */
export function schemasCommand(config: () => Config): Command {
  const eventTypes = () => {
    const { folder, system } = config();
    requireFreshContract(folder);
    return system.contract.eventTypes;
  };
  const group = new Command('schemas').description('the Avro contract and the schema registry');

  group
    .command('check')
    .description('compare the contract with all registered versions and name what breaks')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async (options: Options) => {
      const findings = await checkSchemas(await connect(config(), options), eventTypes());
      const rows = findings.map(({ event, versions, state, violations }) => ({
        subject: event.subject,
        versions: versions.length,
        state,
        violations,
      }));
      if (options.json) printJson(rows);
      else {
        printTable(
          ['SUBJECT', 'VERSIONS', 'STATE'],
          rows.map((row) => [row.subject, row.versions, row.state]),
        );
        for (const line of rows.flatMap((row) => row.violations)) console.log(`  ${line}`);
      }
      const broken = rows.filter((row) => row.state === 'incompatible').length;
      if (broken > 0)
        throw new CliError(`${broken} of ${rows.length} schemas break FULL_TRANSITIVE compatibility`);
    });

  group
    .command('register')
    .description('register the contract; nothing at all when anything is incompatible')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async (options: Options) => {
      const rows = await registerSchemas(await connect(config(), options), eventTypes());
      if (options.json) printJson(rows);
      else {
        printTable(
          ['SUBJECT', 'VERSION', 'ID', 'OUTCOME'],
          rows.map((row) => [row.subject, row.version, row.id, row.outcome]),
        );
      }
    });

  group
    .command('list')
    .description('list the subjects of the registry')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async (options: Options) => {
      const registry = await connect(config(), options);
      const declared = config().system.contract.eventTypes.map((event) => event.subject);
      const subjects = [...new Set([...declared, ...(await registry.subjects())])].sort();
      const rows = await Promise.all(
        subjects.map(async (subject) => {
          const versions = await registry.versions(subject);
          return {
            subject,
            versions: versions.length,
            latestId: versions.at(-1)?.id ?? null,
            inContract: declared.includes(subject),
          };
        }),
      );
      if (options.json) printJson(rows);
      else {
        printTable(
          ['SUBJECT', 'VERSIONS', 'LATEST ID', 'IN CONTRACT'],
          rows.map((row) => [row.subject, row.versions, row.latestId, row.inContract ? 'yes' : 'no']),
        );
      }
    });

  return group;
}

/** A registry each of whose requests is tried again for as long as it is away; each may be made twice without harm. */
async function connect({ registry: access }: Config, { wait }: Options): Promise<Registry> {
  const registry = createRegistry({ ...access, clientId: 'walpost-cli' });
  const patiently =
    <A extends unknown[], T>(request: (...args: A) => Promise<T>) =>
    (...args: A) =>
      untilAvailable(() => request(...args), {
        seconds: wait,
        retryable: (error) => error instanceof RegistryError && error.retryable,
      });
  const patient: Registry = {
    schemaOf: patiently(registry.schemaOf),
    idOf: patiently(registry.idOf),
    isRegistered: patiently(registry.isRegistered),
    register: patiently(registry.register),
    versions: patiently(registry.versions),
    subjects: patiently(registry.subjects),
    compatibility: patiently(registry.compatibility),
    setCompatibility: patiently(registry.setCompatibility),
  };
  await patient.subjects();
  return patient;
}
