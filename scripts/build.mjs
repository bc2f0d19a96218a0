// Bundles the programs of this repository, and the console's page, into dist/. Unbundled, each start of each program looks
// for the 480 files of drizzle-orm and TypeBox: half a second of CPU, and more than one from Node 22.18 on.
//
// Usage: node scripts/build.mjs [group...]; without one, all of them.
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The programs, by the image that they are in; those of the last group run in a clone only. */
const GROUPS = {
  services: {
    ...Object.fromEntries(
      readdirSync(join(root, 'services'), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => [`services/${name}`, ['main']]),
    ),
    'packages/walpost/cli': ['walpost'],
    'packages/walpost/console': ['main'],
    '.': ['walpost.config'],
  },
  tools: {
    '.': ['walpost.config'],
    'packages/walpost/stack': ['catch-mail', 'compose-secrets'],
    'compose/secure': ['gateway', 'make-certificates'],
  },
  clone: {
    'lab/example/services/totals': ['main'],
    'packages/kit/consumer/test': ['crashing-consumer'],
    'packages/kit/service/test': ['stopping-service'],
    'packages/kit/telemetry/test': ['tracing-service'],
    'packages/walpost/stack': ['main', 'kafka-tool', 'show-machine'],
    'packages/walpost/testing': ['fetch-for-tests', 'test-stack'],
    'lab/scenarios': ['run'],
    'lab/scenarios/programs': [
      ...['acknowledge-first', 'consume-and-crash', 'poll-outbox'],
      ...['publish-after-commit', 'publish-by-outbox'],
    ],
    'lab/bench': ['run'],
    'lab/bench/alternatives': [
      ...['called-services', 'calling-shop', 'dual-write-shop'],
      ...['outbox-poller', 'polling-shop', 'tailing-shop'],
    ],
    'lab/faults': ['run'],
    'lab/fuzz': ['fuzz-http'],
  },
};

/** What is bundled: our own, and the two of many files. Others patch or look for files of theirs, and stay packages. */
const BUNDLED = /^(\.|@walpost\/|walpost\/|drizzle-orm(\/|$)|typebox(\/|$))/;

const groups = process.argv.slice(2);
try {
  await bundlePrograms(groups.length > 0 ? groups : Object.keys(GROUPS));
  if (groups.length === 0 || groups.includes('services')) await bundlePage();
} catch (error) {
  // What is wrong with a source has been printed.
  if (!error.errors) throw error;
  process.exitCode = 1;
}

/** `services/order/main.ts` becomes `dist/order/main.js`. All files are two folders deep, and so find what is beside a source. */
async function bundlePrograms(names) {
  const folders = names.flatMap((name) => Object.entries(GROUPS[name]));
  const entries = folders.flatMap(([folder, programs]) =>
    programs.map((program) => [join(basename(folder), program), join(folder, `${program}.ts`)]),
  );
  const entryPoints = Object.fromEntries(entries);
  const lost = entries.find(([output, source]) => entryPoints[output] !== source);
  if (lost) {
    const [output, source] = lost;
    console.error(`${source} and ${entryPoints[output]} would both be dist/${output}.js: rename a folder.`);
    process.exit(1);
  }
  await write({
    entryPoints,
    chunkNames: 'chunks/[name]-[hash]',
    splitting: true,
    platform: 'node',
    target: 'node22',
    sourcemap: true,
    plugins: [{ name: 'walpost', setup: separate }],
  });
}

/** Leaves packages outside, and has each module of ours know where its source is. */
function separate({ onLoad, onResolve }) {
  onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
    kind === 'entry-point' || BUNDLED.test(path) ? undefined : { path, external: true },
  );
  onLoad({ filter: /\.ts$/ }, async ({ path }) => {
    const source = relative(root, path).replaceAll(sep, '/');
    const text = await readFile(path, 'utf8');
    if (/import\.meta\b(?!\.url\b)/.test(text))
      return { errors: [{ text: `${source} takes something else of import.meta than its url` }] };
    const url = `new URL(${JSON.stringify(`../../${source}`)}, import.meta.url).href`;
    return { contents: text.replaceAll('import.meta.url', url), loader: 'ts' };
  });
}

async function bundlePage() {
  const web = 'packages/walpost/console/web';
  await write({
    entryPoints: { 'page/main': `${web}/main.tsx`, 'page/index': `${web}/index.html` },
    loader: { '.html': 'copy' },
    minify: true,
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
  });
}

/** Files that did not change are left alone, and others come whole: a program may be starting meanwhile. */
async function write(options) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    outdir: 'dist',
    logLevel: 'warning',
    write: false,
    ...options,
  });
  for (const { path, contents } of outputFiles) {
    const old = await readFile(path).catch(() => undefined);
    if (old?.equals(contents)) continue;
    await mkdir(dirname(path), { recursive: true });
    const written = join(dirname(path), `.${basename(path)}-${randomUUID()}`);
    await writeFile(written, contents);
    await rename(written, path);
  }
}
