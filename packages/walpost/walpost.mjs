#!/usr/bin/env node
// npm links and marks a bin at install time, when dist/ does not exist yet; so the bin is this file.
import { existsSync } from 'node:fs';

const main = new URL('../../dist/cli/walpost.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  console.error('walpost: not built yet; run `npm run build` in the root of the repository');
  process.exitCode = 1;
}
