import { randomUUID } from 'node:crypto';
import { chown, link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { System } from '@walpost/kit/config';
import { makeSecret } from './env-file.ts';
import { escapeProperty } from './escape-property.ts';
import {
  formerSecrets,
  programSecrets,
  type SecretName,
  type Secrets,
  secretNames,
  securedSecrets,
  withFormerSecrets,
} from './secrets.ts';
import type { Environment } from './settings.ts';
import { codeOf, StackError } from './stack-error.ts';

export type Kept = Readonly<Record<SecretName, string | undefined>>;

/** User and group of the official Postgres image. libpq wants a password file that nobody else can read. */
const POSTGRES_UID = 999;

/**
 * What a password of Connect's must not have: its image has sed write it into a file of Java properties, which are read as
 * Latin-1 and of which the login is read out of quotes.
 */
const NOT_FOR_CONNECT = /["\\@&]|[^ -~]/;

/** Where every secret is kept; each program has a folder of its own beside it. */
const keptIn = (folder: string) => join(folder, 'kept');

/**
 * Makes every secret that is not kept in the folder yet, of what is given or at random. What is kept stays as it is: the
 * data was made with it.
 *
 * @returns the secrets, and the names of those that were given and are other than what is kept
 * @throws StackError when a program could not take one that is given
 */
export async function keepSecrets(
  system: System,
  folder: string,
  environment: Environment,
): Promise<{ kept: Kept; ignored: SecretName[] }> {
  const given = withFormerSecrets(environment);
  if (NOT_FOR_CONNECT.test(given['CONNECT_KAFKA_PASSWORD'] ?? '')) {
    throw new StackError(
      'CONNECT_KAFKA_PASSWORD has a sign that the image of Kafka Connect cannot take: use ASCII without ", \\, @ and &.',
    );
  }
  await mkdir(keptIn(folder), { recursive: true, mode: 0o700 });
  for (const name of secretNames(system)) {
    const draft = join(keptIn(folder), `.${randomUUID()}`);
    const secret = (await keptFormerly(folder, name)) || given[name] || makeSecret();
    await writeFile(draft, secret, { mode: 0o600 });
    try {
      // In one step, and never over another: two of these may run at once.
      await link(draft, join(keptIn(folder), name));
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    } finally {
      await rm(draft);
    }
  }
  // Its value is kept under the new name by now.
  for (const former of Object.keys(formerSecrets)) await rm(join(keptIn(folder), former), { force: true });
  const kept = await readKept(system, folder);
  return { kept, ignored: secretNames(system).filter((name) => given[name] && given[name] !== kept[name]) };
}

/** What an earlier release kept under a secret's former name. @returns an empty text when there is none */
async function keptFormerly(folder: string, name: SecretName): Promise<string> {
  const former = Object.keys(formerSecrets).find((each) => formerSecrets[each] === name);
  if (former === undefined) return '';
  try {
    return await readFile(join(keptIn(folder), former), 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  }
}

/** @throws StackError when they have not been made yet */
export async function readKept(system: System, folder: string): Promise<Kept> {
  const read = secretNames(system).map(async (name) => [
    name,
    await readFile(join(keptIn(folder), name), 'utf8'),
  ]);
  try {
    return Object.fromEntries(await Promise.all(read)) as Kept;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new StackError('There are no passwords yet; `docker compose up --wait` makes them.');
  }
}

/**
 * Fills the folder of each program that has one here with its secrets, a file each, named like the variable. A program that
 * takes them in another form finds that form.
 */
export async function shareSecrets(
  system: System,
  folder: string,
  kept: Kept,
  secured: boolean,
): Promise<void> {
  const plain = programSecrets(system);
  const more = secured ? securedSecrets(system) : {};
  const programs = (await readdir(folder)).filter((name) => join(folder, name) !== keptIn(folder));
  for (const program of programs) {
    const own: Secrets = { ...plain[program], ...more[program] };
    const files = Object.entries(own).map(([variable, name]) => [variable, kept[name] ?? '']);
    await writeFolder(join(folder, program), inItsForm(program, Object.fromEntries(files)));
  }
}

type Files = Readonly<Record<string, string>>;

function inItsForm(program: string, files: Files): Files {
  const login = (role: string, password = '') => `*:*:*:${role}:${password.replace(/[\\:]/g, '\\$&')}\n`;
  switch (program) {
    case 'postgres':
      return { ...files, pgpass: login('postgres', files['POSTGRES_PASSWORD']) };
    case 'postgres-standby':
      return {
        ...files,
        pgpass:
          login('postgres', files['POSTGRES_PASSWORD']) + login('replicator', files['REPLICATOR_PASSWORD']),
      };
    case 'registry': {
      const password = escapeProperty(files['REGISTRY_PASSWORD'] ?? '');
      // The ordinal puts it above the file that Apicurio comes with.
      return { 'registry.properties': `config_ordinal=275\napicurio.datasource.password=${password}\n` };
    }
    case 'connect': {
      const { CONNECT_KAFKA_PASSWORD: password, ...others } = files;
      if (password === undefined) return others;
      const login = `username="connect" password="${password}"`;
      const jaas = `org.apache.kafka.common.security.scram.ScramLoginModule required ${login};`;
      // The worker's own clients and the connectors' are configured apart.
      const clients = ['', 'PRODUCER_', 'CONSUMER_', 'ADMIN_'];
      return {
        ...others,
        ...Object.fromEntries(clients.map((client) => [`CONNECT_${client}SASL_JAAS_CONFIG`, jaas])),
      };
    }
    default:
      return files;
  }
}

/** Makes a folder hold these files and no others. A file that is read meanwhile is whole, old or new. */
async function writeFolder(folder: string, files: Files): Promise<void> {
  for (const name of await readdir(folder)) if (!Object.hasOwn(files, name)) await rm(join(folder, name));
  for (const [name, text] of Object.entries(files)) {
    // In the same volume, for the last step; who reads passes over it.
    const draft = join(folder, `.${randomUUID()}`);
    // Nobody but this program's container has the folder, whatever user runs in it.
    await writeFile(draft, text, { mode: name === 'pgpass' ? 0o600 : 0o444 });
    if (name === 'pgpass' && process.getuid?.() === 0) await chown(draft, POSTGRES_UID, POSTGRES_UID);
    await rename(draft, join(folder, name));
  }
}
