// Bundles the page into dist/page: one script, one style sheet, index.html. Part of `npm run build`.
import { copyFile, mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await mkdir(here('dist/page'), { recursive: true });
await build({
  entryPoints: [here('web/main.tsx')],
  outdir: here('dist/page'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  // The page imports pure functions of the console and the kit at their source.
  conditions: ['source'],
  logLevel: 'warning',
});
await copyFile(here('web/index.html'), here('dist/page/index.html'));
