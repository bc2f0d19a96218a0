import { join } from 'node:path';
import type { Component, ProcessPart, Site } from './component.ts';
import type { Lock } from './lock.ts';
import { sendSignal } from './process-table.ts';
import { type Outcome, runProgram } from './run-program.ts';
import type { Settings } from './settings.ts';
import { messageOf, StackError } from './stack-error.ts';
import { type State, Supervisor } from './supervise.ts';
import { commandLine, servicePart } from './workspace-programs.ts';

/** Told of every change, for a person to read. */
export interface Reporter {
  /** Once, with the names of all parts, before the first starts. */
  parts(names: readonly string[]): void;
  state(name: string, state: State | 'done'): void;
  line(text: string): void;
}

/** A stack that runs, or is about to. */
export interface Stack {
  /** The complete environment for services and the command line. */
  env: Settings;
  dataDir: string;
  /** Starts every part when those that it needs are ready; throws at the first that fails. */
  startAll(): Promise<void>;
  /** Starts a stopped part and waits until it serves. */
  start(name: string): Promise<void>;
  /** Stops a part and the watch over it. */
  stop(name: string): Promise<void>;
  /** Sends a signal (SIGKILL by default, and then waits for the end); the watch starts the part again. */
  kill(name: string, signal?: NodeJS.Signals): Promise<void>;
  /** Settles when a part serves, after it was killed for example. */
  ready(name: string): Promise<void>;
  pid(name: string): number | undefined;
  /** The parts that were stopped and not started again, each after what it needs. */
  stopped(): string[];
  /** Runs a program to its end in the project's folder, with the stack's environment; `node` is this Node. */
  run(command: string, args: readonly string[], env?: Settings): Promise<Outcome>;
  /** Runs the operator's command line on the stack. */
  walpost(...args: string[]): Promise<Outcome>;
  /** The same for a command that is to succeed. @returns what it printed; throws what it said when it failed */
  operate(...args: string[]): Promise<string>;
  /** Runs one more process of a service, its `main.ts` on another port, until it serves. */
  spawn(name: string, script: string, port: number, env?: Settings): Promise<void>;
  /** Stops everything, each part before what it needs. */
  close(): Promise<void>;
  /** Ends every process by SIGKILL; for a user who does not want to wait for `close`. */
  killAll(): void;
}

/** How the command line begins what somebody should read although it has succeeded. */
const WARNING = 'walpost: warning: ';

/** Brings the parts of a stack up in the order of their needs, watches over them, and takes them down again. */
export class RunningStack implements Stack {
  readonly env: Settings;
  readonly dataDir: string;
  readonly #site: Site;
  readonly #components: readonly Component[];
  readonly #lock: Lock;
  readonly #report: Reporter;
  readonly #supervisors = new Map<string, Supervisor>();
  readonly #extra: string[] = [];
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(site: Site, components: readonly Component[], lock: Lock, report: Reporter) {
    this.env = site.settings;
    this.dataDir = site.dataDir;
    this.#site = site;
    this.#components = components;
    this.#lock = lock;
    this.#report = report;
    for (const component of components) {
      if (component.kind === 'process') this.#supervisors.set(component.name, this.#supervisor(component));
    }
  }

  async startAll(): Promise<void> {
    const started = new Map<string, Promise<void>>();
    for (const component of this.#components) {
      const before = component.needs.flatMap((name) => started.get(name) ?? []);
      started.set(
        component.name,
        Promise.all(before).then(() => this.#bringUp(component)),
      );
    }
    await Promise.all(started.values());
  }

  async #bringUp(component: Component): Promise<void> {
    this.#requireOpen();
    if (component.kind === 'process') {
      const started = this.#watched(component.name).start();
      return component.optional ? this.#orWithout(component.name, started) : started;
    }
    const { name } = component;
    this.#report.state(name, 'starting');
    const logPath = this.#logPath(name);
    const outcome = await runProgram(name, component.launch(), {
      lock: this.#lock,
      signal: this.#closing.signal,
      logPath,
    });
    if (outcome.code !== 0) {
      this.#report.state(name, 'failed');
      const tail = `${outcome.stdout}\n${outcome.stderr}`.trim().split('\n').slice(-15).join('\n  ');
      throw new StackError(`${name} failed (exit ${outcome.code}); last lines of ${logPath}:\n  ${tail}`);
    }
    for (const line of outcome.stderr.split('\n').filter((each) => each.startsWith(WARNING)))
      this.#report.line(line);
    this.#report.state(name, 'done');
  }

  /** Goes on without an optional part that cannot be started, and says so. */
  async #orWithout(name: string, started: Promise<void>): Promise<void> {
    try {
      await started;
    } catch (error) {
      if (this.#closing.signal.aborted) throw error;
      this.#report.line(`Going on without the ${name}: ${messageOf(error)}`);
    }
  }

  async start(name: string): Promise<void> {
    this.#requireOpen();
    await this.#watched(name).start();
  }

  async stop(name: string): Promise<void> {
    await this.#watched(name).stop();
  }

  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#watched(name).kill(signal);
  }

  async ready(name: string): Promise<void> {
    await this.#watched(name).ready();
  }

  pid(name: string): number | undefined {
    return this.#watched(name).pid;
  }

  stopped(): string[] {
    return this.#components
      .map(({ name }) => name)
      .filter((name) => this.#supervisors.get(name)?.isStopped === true);
  }

  walpost(...args: string[]): Promise<Outcome> {
    return this.run('node', [commandLine, ...args]);
  }

  async operate(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.walpost(...args);
    if (code !== 0) throw new Error(`walpost ${args.join(' ')}: ${stdout}${stderr}`.trim());
    return stdout;
  }

  async run(command: string, args: readonly string[], env: Settings = {}): Promise<Outcome> {
    const launch = {
      command: command === 'node' ? process.execPath : command,
      args,
      env: { ...this.env, ...env },
      cwd: this.#site.folder,
    };
    return runProgram(`run ${args[0] ?? command}`, launch, {
      lock: this.#lock,
      signal: this.#closing.signal,
    });
  }

  async spawn(name: string, script: string, port: number, env: Settings = {}): Promise<void> {
    this.#requireOpen();
    if (this.#supervisors.has(name)) throw new Error(`There is a part named ${name} already`);
    const part = servicePart({
      name,
      folder: this.#site.folder,
      needs: [],
      script,
      env: { ...this.env, ...env },
      port,
    });
    const supervisor = this.#supervisor(part);
    this.#supervisors.set(name, supervisor);
    this.#extra.push(name);
    await supervisor.start();
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeOnce();
    return this.#closed;
  }

  killAll(): void {
    this.#closing.abort();
    for (const supervisor of this.#supervisors.values()) supervisor.abandon();
    for (const { pid } of this.#lock.children()) sendSignal(-pid, 'SIGKILL');
  }

  async #closeOnce(): Promise<void> {
    this.#closing.abort();
    try {
      await Promise.all(this.#extra.map((name) => this.#watched(name).stop()));
      const stopped = new Map<string, Promise<void>>();
      for (const component of this.#components.toReversed()) {
        const dependents = this.#components.filter(({ needs }) => needs.includes(component.name));
        const before = dependents.flatMap(({ name }) => stopped.get(name) ?? []);
        stopped.set(
          component.name,
          Promise.all(before).then(() => this.#supervisors.get(component.name)?.stop()),
        );
      }
      await Promise.all(stopped.values());
    } finally {
      this.#lock.release();
    }
  }

  /** Nothing starts in a stack that closes: it would outlive it. */
  #requireOpen(): void {
    if (this.#closing.signal.aborted) throw new StackError('Stopped while starting.');
  }

  #watched(name: string): Supervisor {
    const supervisor = this.#supervisors.get(name);
    if (!supervisor) throw new Error(`No part named ${name} runs in this stack`);
    return supervisor;
  }

  #supervisor(program: ProcessPart): Supervisor {
    return new Supervisor(program, {
      logPath: this.#logPath(program.name),
      lock: this.#lock,
      report: (state, text) => {
        this.#report.state(program.name, state);
        if (text) this.#report.line(text);
      },
    });
  }

  #logPath(name: string): string {
    return join(this.#site.dataDir, 'logs', `${name}.log`);
  }
}
