import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { Problem } from '@walpost/kit/problem';
import type { ScenarioState } from './snapshot.js';

/** Plays the scenarios of `npm run scenario`, one at a time, each on a stack of its own. */
export interface ScenarioRunner {
  start(name: string): void;
  stop(): void;
  state(): ScenarioState;
  /** What the last scenario has printed. */
  output(): readonly string[];
  close(): Promise<void>;
}

const KEPT_LINES = 400;
/** What a child needs of the surroundings; it makes passwords and ports of its own. */
const INHERITED = ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'TMPDIR', 'XDG_CACHE_HOME', 'JAVA_HOME'];

/**
 * @param root of the clone; in a container there are no scenarios in it, and the runner says so
 * @param onLine told of each line that is printed
 */
export function createScenarioRunner(
  root: string,
  environment: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
): ScenarioRunner {
  const program = join(root, 'tests/scenarios/dist/run.js');
  const here = existsSync(program);
  let list: ScenarioState['list'] = [];
  let running: { name: string; child: ChildProcess } | undefined;
  let output: string[] = [];
  const children = new Set<ChildProcess>();

  function launch(args: readonly string[], eachLine: (line: string) => void): ChildProcess {
    const code = `const { run } = await import(${JSON.stringify(pathToFileURL(program))}); await run(${JSON.stringify(args)})`;
    const env = Object.fromEntries(
      INHERITED.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
    );
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    child.once('close', () => children.delete(child));
    child.once('error', (error) => eachLine(error.message));
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', eachLine);
    }
    return child;
  }

  const tell = (line: string) => {
    output = [...output, line].slice(-KEPT_LINES);
    onLine(line);
  };
  if (here) {
    launch([], (line) => {
      const [, name, summary] = /^ {2}npm run scenario (\S+) +(.+)$/.exec(line) ?? [];
      if (name && summary) list = [...list, { name, summary }];
    });
  }

  return {
    start(name) {
      if (!list.some((each) => each.name === name))
        throw new Problem(404, 'scenario-not-found', `There is no scenario ${name}.`);
      if (running)
        throw new Problem(409, 'scenario-running', `${running.name} is being played; one at a time.`);
      output = [];
      const child = launch([name], tell);
      running = { name, child };
      child.once('close', () => {
        running = undefined;
      });
    },
    stop() {
      running?.child.kill('SIGTERM');
    },
    state: () => ({
      list,
      unavailable: here
        ? null
        : 'The scenarios are not part of this installation; in a clone: npm run scenario',
      running: running?.name ?? null,
    }),
    output: () => output,
    async close() {
      await Promise.all(
        [...children].map(async (child) => {
          child.kill('SIGTERM');
          await once(child, 'close');
        }),
      );
    },
  };
}
