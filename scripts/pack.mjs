// Makes the packages that npm takes: `npm run pack`. What each is made of is in its package.json; compiled, it is put
// into dist/packages/, with its migrations and other files beside the code as in the repository, and from there into a
// tarball. Versions are in one place, the package.json of the root.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'dist/packages');
/** What goes along beside what the compiler writes. */
const ASSETS = /\.(sql|xml|properties|conf|sh)$|^(README\.md|template|index\.mjs)$/;

const { version, license, author, repository } = readJson('package.json');
rmSync(out, { recursive: true, force: true });
run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'packages/tsconfig.json']);
cpSync(join(root, 'dist/page'), join(out, 'walpost/page'), { recursive: true });
for (const folder of ['kit', 'walpost', 'create-walpost']) pack(folder);
console.log('in dist/packages/; CONTRIBUTING.md says how to try them');

function pack(folder) {
  const source = join(root, 'packages', folder);
  const target = join(out, folder);
  copyAssets(source, target);
  cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'));
  const {
    private: _,
    devDependencies: __,
    exports: paths,
    bin,
    dependencies,
    ...rest
  } = readJson(`packages/${folder}/package.json`);
  writeFileSync(
    join(target, 'package.json'),
    `${JSON.stringify({ ...rest, version, license, author, repository, ...compiled({ paths, bin, dependencies }) }, null, 2)}\n`,
  );
  run('npm', ['pack', '--loglevel=error', `--pack-destination=${out}`, target]);
}

/** What is TypeScript in the repository is JavaScript with types in the package. */
function compiled({ paths, bin, dependencies }) {
  const entry = (path) => ({ types: path.replace(/\.ts$/, '.d.ts'), default: path.replace(/\.ts$/, '.js') });
  return {
    ...(paths && {
      exports: Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, entry(path)])),
    }),
    ...(bin && { bin: bin.walpost ? { walpost: 'cli/walpost.js' } : bin }),
    ...(dependencies && {
      dependencies: Object.fromEntries(
        Object.entries(dependencies).map(([name, wanted]) => [
          name,
          name === '@walpost/kit' ? version : wanted,
        ]),
      ),
    }),
  };
}

function copyAssets(source, target) {
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    if (['test', 'node_modules'].includes(entry.name)) continue;
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    if (ASSETS.test(entry.name)) {
      mkdirSync(dirname(to), { recursive: true });
      cpSync(from, to, { recursive: true });
    } else if (entry.isDirectory()) copyAssets(from, to);
  }
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
