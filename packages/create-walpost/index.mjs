#!/usr/bin/env node
// npm create walpost: writes a project of one publisher and one consumer, and installs what it needs.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const USAGE = `npm create walpost@latest <folder> -- [--publisher shipment] [--consumer tracking]

  --publisher <name>   the service that writes events; gives topic, table and path their names
  --consumer <name>    the service that acts on them
  --packages <folder>  take @walpost/kit and walpost from tarballs there, which are copied
                       into the project, to try a release that is not out yet`;

const template = fileURLToPath(new URL('template', import.meta.url));

try {
  if (process.argv.includes('--help')) console.log(USAGE);
  else create(readArguments());
} catch (error) {
  console.error(`create-walpost: ${error.message}`);
  process.exitCode = 1;
}

function readArguments() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      publisher: { type: 'string', default: 'shipment' },
      consumer: { type: 'string', default: 'tracking' },
      packages: { type: 'string' },
    },
  });
  if (positionals.length !== 1) throw new Error(`say which folder to make\n\n${USAGE}`);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 18))
    throw new Error(`Node ${process.versions.node} is too old: install 22.18 or newer from nodejs.org`);
  const { publisher, consumer, packages } = values;
  for (const [option, name] of Object.entries({ publisher, consumer }))
    if (!/^[a-z][a-z0-9-]*$/.test(name))
      throw new Error(`--${option}: "${name}" is not lower-case letters, digits and hyphens`);
  if (publisher === consumer) throw new Error('--publisher and --consumer need two names');
  return { folder: resolve(positionals[0]), publisher, consumer, packages: packages && resolve(packages) };
}

function create({ folder, publisher, consumer, packages }) {
  const name = folder
    .split(/[\\/]/)
    .at(-1)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-$/g, '');
  if (!name) throw new Error(`${folder}: a project's name begins with a letter`);
  if (existsSync(folder) && readdirSync(folder).length > 0) throw new Error(`${folder} is not empty`);
  const tarballs = packages && [tarball(packages, 'walpost-kit'), tarball(packages, 'walpost')];
  const words = {
    name,
    publisher,
    consumer,
    Publisher: pascal(publisher),
    table: publisher.replaceAll('-', '_'),
    // What npm takes from its registry, or from the project's folder.
    kit: tarballs ? `file:${tarballs[0]}` : version(),
    walpost: tarballs ? `file:${tarballs[1]}` : version(),
  };
  for (const entry of readdirSync(template, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const from = join(entry.parentPath, entry.name);
    const to = join(folder, fill(from.slice(template.length + 1), words).replace(/(^|[\\/])_(?=git)/, '$1.'));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, fill(readFileSync(from, 'utf8'), words));
  }
  // Into the project, where docker compose finds them too.
  for (const file of tarballs ?? []) copyFileSync(join(packages, file), join(folder, file));
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], folder);
  run('npx', ['walpost', 'generate'], folder);
  run('npx', ['walpost', 'compose'], folder);
  console.log(
    `\nMade ${folder}. Next:\n\n  cd ${folder}\n  npm start            (or: docker compose up --build --wait)`,
  );
}

/** Puts words in place of `__name__`. */
function fill(text, words) {
  return text.replace(/__(\w+?)__/g, (whole, word) => words[word] ?? whole);
}

function pascal(text) {
  return text.replace(/(^|-)([a-z0-9])/g, (_whole, _hyphen, letter) => letter.toUpperCase());
}

function version() {
  return JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')).version;
}

function tarball(folder, name) {
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const file = files.find((each) => new RegExp(`^${name}-\\d.*\\.tgz$`).test(each));
  if (!file) throw new Error(`--packages: there is no ${name}-….tgz in ${folder}`);
  return file;
}

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed in ${cwd}`);
}
