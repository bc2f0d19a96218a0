// What npm's scripts `start`, `test`, `scenario`, `bench`, `faults` and `fuzz` run in a fresh clone: only Node's own modules,
// because nothing is installed yet.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname ?? '.', '..');
const [mode, ...args] = process.argv.slice(2);
const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** How many suites run at once. Integration tests share a stack and mostly wait; others have one that takes the machine. */
const WORKERS = { unit: '--maxWorkers=100%', integration: '--maxWorkers=3' };
let endedBy;

if (mode === 'install') installPackages();
else await run();

async function run() {
  checkNode();
  endWithNpm();
  build();
  if (mode === 'start') await import('../dist/stack/main.js');
  else if (mode === 'test') await test();
  else if (mode === 'scenario') await (await import('../dist/scenarios/run.js')).run(args);
  else if (mode === 'bench') await (await import('../dist/bench/run.js')).run(args);
  else if (mode === 'faults') await (await import('../dist/faults/run.js')).run(args);
  else if (mode === 'fuzz') await (await import('../dist/fuzz/fuzz-http.js')).run(args);
  else
    giveUp(
      'Usage: node scripts/run.mjs start | test [arguments for Jest] | scenario [name] | bench [--quick] [name] | faults [options] | fuzz [options]',
    );
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return;
  giveUp(
    `Node ${process.versions.node} is too old, and npm has no newer one for this machine: install Node 24 from nodejs.org.`,
  );
}

/** A signal to npm alone ends npm and its shell, and not us: take their end for the signal. */
function endWithNpm() {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 250);
  timer.unref();
}

function installPackages() {
  const installed = join(root, 'node_modules/.package-lock.json');
  const wanted = join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  console.log('Installing packages (npm ci)');
  // npm reports its own path, so that the npm which runs us is the one that installs.
  const npm = process.env.npm_execpath;
  const options = [
    'ci',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const [command, ...rest] = npm?.endsWith('.js') ? [process.execPath, npm, ...options] : ['npm', ...options];
  runQuietly(command, rest, 'npm ci failed');
}

function build() {
  runQuietly(process.execPath, [join(root, 'scripts/build.mjs')], 'The build failed');
}

/** Runs a program to its end; what it wrote is shown only when it fails. */
function runQuietly(command, options, failure) {
  const result = spawnSync(command, options, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (result.error) giveUp(`${failure}: ${result.error.message}`);
  if (result.signal) process.kill(process.pid, result.signal);
  if (result.status === 0) return;
  const lines = `${result.stdout}${result.stderr}`.trim().split('\n');
  // npm says what is wrong first and then how it is used; others say it last.
  const shown = lines.length > 40 ? [...lines.slice(0, 15), '…', ...lines.slice(-25)] : lines;
  giveUp(`${failure} (exit ${result.status}):\n${shown.join('\n')}`);
}

async function test() {
  const { projects, others } = selectProjects();
  if (projects.includes('compose') && !hasDocker()) return;
  if (['integration', 'system', 'load'].some((name) => projects.includes(name))) {
    const { fetchForTests } = await import('../dist/testing/fetch-for-tests.js');
    await fetchForTests().catch((error) => {
      if (error.name !== 'StackError') throw error;
      giveUp(error.message);
    });
  }
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [] };
  const minutes = [];
  for (const name of projects) {
    const started = performance.now();
    const workers = WORKERS[name] ?? '--runInBand';
    const code = await runJest([workers, '--passWithNoTests', ...others, '--selectProjects', name], counts);
    minutes.push(`${name} ${((performance.now() - started) / 60_000).toFixed(1)}`);
    process.exitCode ||= code;
    if (endedBy) break;
  }
  const { passed, failed, skipped } = counts;
  if (passed + failed + skipped === 0) process.exitCode ||= 1;
  console.log(`minutes: ${minutes.join(', ')}`);
  for (const failure of counts.failures) console.log(`failed: ${failure}`);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
}

/** The projects to run, all but the long ones unless they are named, and Jest's other arguments. */
function selectProjects() {
  const at = args.indexOf('--selectProjects');
  if (at < 0) return { projects: ['unit', 'integration', 'system'], others: args };
  const end = args.findIndex((each, index) => index > at && each.startsWith('-'));
  const projects = args.slice(at + 1, end < 0 ? args.length : end);
  return { projects, others: args.toSpliced(at, projects.length + 1) };
}

function hasDocker() {
  const { status, error, stderr } = spawnSync('docker', ['compose', 'ls'], { encoding: 'utf8' });
  if (status === 0) return true;
  console.log(`Skipped, there is no Docker with Compose here: ${error?.message ?? stderr.trim()}`);
  return false;
}

/** Runs Jest, adds what it counted and which tests failed, and answers its exit code; a signal ends it with all that its tests have started. */
async function runJest(options, counts) {
  const folder = mkdtempSync(join(tmpdir(), 'walpost-results-'));
  const results = join(folder, 'results.json');
  const nodeOptions = [
    process.env.NODE_OPTIONS,
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
  ];
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  // The leader of a group, to which belongs whatever its tests run and a stack does not keep.
  const child = spawn(process.execPath, [jest, '--json', `--outputFile=${results}`, ...options], {
    cwd: root,
    stdio: 'inherit',
    detached: true,
    env: { ...process.env, NODE_OPTIONS: nodeOptions.filter(Boolean).join(' ') },
  });
  const end = (signal) => {
    endedBy = signal;
    // One that comes while we tidy up finds nobody to hand it on to.
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, signal);
  };
  for (const signal of endings) process.on(signal, end);
  try {
    const [code] = await once(child, 'close');
    if (existsSync(results)) addCounts(JSON.parse(readFileSync(results, 'utf8')), counts);
    // What a Jest leaves behind that was ended, or died: of a closed terminal, or for want of memory.
    if (endedBy || code !== 0) {
      const { removeLeftovers } = await import('../dist/testing/test-stack.js');
      await removeLeftovers();
    }
    return endedBy ? 130 : (code ?? 1);
  } finally {
    for (const signal of endings) process.off(signal, end);
    rmSync(folder, { recursive: true });
  }
}

/** A suite that could not run counts as one failure: none of its tests did. */
function addCounts(results, counts) {
  counts.passed += results.numPassedTests;
  counts.failed += results.numFailedTests + results.numRuntimeErrorTestSuites;
  counts.skipped += results.numPendingTests + results.numTodoTests;
  for (const { name, status, assertionResults } of results.testResults) {
    const file = relative(root, name);
    const failed = assertionResults.filter((each) => each.status === 'failed');
    if (status === 'failed' && failed.length === 0) counts.failures.push(`${file}, which could not run`);
    for (const { fullName } of failed) counts.failures.push(`${file}: ${fullName}`);
  }
}

function giveUp(message) {
  console.error(message);
  process.exit(1);
}
