import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { System } from '@walpost/kit/config';
import { hostAccess } from '../host-access.ts';
import { packageDir } from '../program-of.ts';
import { fill, type Words } from './fill.ts';
import { template, wordsOf } from './words.ts';

/** Where a project's file is, from its folder, and how it begins when it is ours. */
export const COMPOSE_FILE = 'compose.yaml';
const OURS = '# Written by `walpost generate`';
/** Names that docker compose knows besides. */
const OTHERS = ['compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

/** Files of docker compose by their paths from the project's folder. */
export type ComposeFiles = Readonly<Record<string, string>>;

/** Whether a project's compose file is not there, is ours, or is the project's own. */
export function composeFileIn(folder: string): 'missing' | 'ours' | 'own' {
  const path = join(folder, COMPOSE_FILE);
  if (!existsSync(path)) return OTHERS.some((name) => existsSync(join(folder, name))) ? 'own' : 'missing';
  return readFileSync(path, 'utf8').startsWith(OURS) ? 'ours' : 'own';
}

/** Whether a folder is the repository itself: it has more than one shape, and programs that are bundled. */
export function isRepository(folder: string): boolean {
  return (
    existsSync(join(folder, 'packages/walpost/compose/template')) && folder === join(packageDir, '../..')
  );
}

/** What the repository's compose files have that follows from its configuration. */
export function repositoryFiles(system: System): ComposeFiles {
  const words: Words = {
    ...wordsOf(system),
    clone: true,
    project: false,
    programs: 'dist',
    own: 'compose/shop.yaml',
    here: '.',
    postgresqlConf: '../packages/walpost/stack/postgresql.conf',
    serveKafka: '../packages/walpost/stack/serve-kafka.sh',
    context: '..',
    tools: 'walpost/tools:2',
    operator: 'walpost/services:2',
    image: 'walpost/services:2',
    npmrc: '../.npmrc',
  };
  return {
    'compose/infrastructure.yaml': fill(template('infrastructure.yaml'), words),
    'compose/services.yaml': fill(template('services.yaml'), words),
    'compose/cluster/nodes.yaml': fill(template('nodes.yaml'), words),
    'compose/secure.yaml': fill(template('secure.yaml'), words),
    'compose/versions.env': template('versions.env'),
    ...mounted(system),
  };
}

/** All that a project needs for `docker compose up`: one compose file, an image, and what is mounted. */
export function projectFiles(system: System): ComposeFiles {
  const words: Words = {
    ...wordsOf(system),
    clone: false,
    project: true,
    programs: 'node_modules/walpost',
    own: 'compose.override.yaml',
    here: './compose',
    postgresqlConf: './compose/postgres/postgresql.conf',
    serveKafka: './compose/serve-kafka.sh',
    context: '.',
    tools: `${system.name}-tools`,
    operator: `${system.name}-tools`,
    image: `${system.name}-services`,
    npmrc: './compose/npmrc',
  };
  const versions = parseEnv(template('versions.env'));
  const parts = ['infrastructure.yaml', 'services.yaml'].map((name) => fill(template(name), words));
  const file = `${fill(template('project.yaml'), words)}\n${joinSections(parts)}`;
  return {
    [COMPOSE_FILE]: withVersions(file, versions),
    'compose/Dockerfile': fill(template('Dockerfile'), { node: versions['NODE_IMAGE'] ?? '' }),
    'compose/Dockerfile.dockerignore': template('Dockerfile.dockerignore'),
    'compose/npmrc': template('npmrc'),
    'compose/serve-kafka.sh': readFileSync(join(packageDir, 'stack/serve-kafka.sh'), 'utf8'),
    'compose/postgres/postgresql.conf': readFileSync(join(packageDir, 'stack/postgresql.conf'), 'utf8'),
    ...mounted(system),
  };
}

/** What the images of others get to see, wherever it is run. */
function mounted(system: System): ComposeFiles {
  return {
    'compose/with-secrets.sh': template('with-secrets.sh'),
    'compose/postgres/pg_hba.conf': hostAccess(system),
    'compose/postgres/registry.sql': template('registry.sql'),
  };
}

/** Puts the version of each image where its variable is: it may still be another by that variable. */
function withVersions(text: string, versions: NodeJS.Dict<string>): string {
  return text.replace(/\$\{(\w+_IMAGE)\}/g, (_whole, name: string) => `\${${name}:-${versions[name]}}`);
}

/** Makes one compose file of several, without what they say first: what two have under one name follows each other. */
function joinSections(files: readonly string[]): string {
  const sections = new Map<string, string>();
  for (const file of files) {
    const [, ...found] = file.split(/^(?=[\w-]+:)/m);
    for (const section of found) {
      const [head = ''] = section.split('\n', 1);
      const before = sections.get(head);
      sections.set(head, before === undefined ? section : before + section.slice(head.length + 1));
    }
  }
  // Whoever refers to an anchor comes after it.
  const last = (head: string) => (head.startsWith('x-') ? 0 : 1);
  const sorted = [...sections].sort(([a], [b]) => last(a) - last(b));
  return `${sorted.map(([, text]) => text.trimEnd()).join('\n\n')}\n`;
}
