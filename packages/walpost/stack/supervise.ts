import { setTimeout as wait } from 'node:timers/promises';
import { type Child, endChild, type Launch, startChild } from './child.ts';
import type { Lock } from './lock.ts';
import { tailOf } from './log-file.ts';
import { sendSignal } from './process-table.ts';
import { messageOf, StackError } from './stack-error.ts';

const firstBackoff = 1000;
const longestBackoff = 30_000;
const healthyAfter = 30_000;
const probePause = 100;
const probeTimeout = 3000;
/**
 * How long a start may take, s. It ends one that hangs and measures nobody's speed: beside other work a slow machine
 * took 70 for a service. One that fails has ended, which is noticed at once.
 */
const readyWithin = 240;

/** A long-running program and how to see that it serves. */
export interface Program {
  name: string;
  /** Makes what the program needs, before every start of it. */
  prepare?: () => Promise<void>;
  launch: () => Launch;
  /** Throws while the program does not serve yet; a StackError ends the waiting. */
  probe: (signal: AbortSignal) => Promise<void>;
  /** 240 when not given. */
  readyWithinSeconds?: number;
  stopSignal: NodeJS.Signals;
  stopWithinSeconds: number;
}

export type State = 'starting' | 'ready' | 'restarting' | 'stopping' | 'stopped' | 'failed';

export interface Surroundings {
  logPath: string;
  lock: Lock;
  /** Tells of a change, and with a text of what a person should read. */
  report: (state: State, text?: string) => void;
}

/** Keeps one program running: started, waited for, started again when it dies, stopped. */
export class Supervisor {
  readonly #program: Program;
  readonly #around: Surroundings;
  #stopping = new AbortController();
  #child: Child | undefined;
  #work: Promise<void> = Promise.resolve();
  #isReady = false;
  #waiting: (() => void)[] = [];

  constructor(program: Program, around: Surroundings) {
    this.#program = program;
    this.#around = around;
  }

  /** The process number, while there is a process. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Somebody stopped it, and nobody has started it since. */
  get isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Starts the program and waits until it serves. Throws a StackError with the end of its log if it does not. */
  async start(): Promise<void> {
    this.#stopping = new AbortController();
    const starting = this.#bringUp('starting');
    this.#work = starting.then(
      () => undefined,
      () => this.#around.report('failed'), // start() itself throws it
    );
    const child = await starting;
    this.#work = this.#keepUp(child);
  }

  /** Ends the program and the watch over it. */
  async stop(): Promise<void> {
    this.abandon();
    if (this.#child) {
      this.#around.report('stopping');
      await this.#end(this.#child);
    }
    await this.#work;
    this.#around.report('stopped');
  }

  /** Ends the watch; the program is left to whoever calls. */
  abandon(): void {
    this.#stopping.abort();
  }

  /** Sends a signal; after one that ends the process, waits for its end. The watch then starts it again. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child) throw new Error(`${this.#program.name} is not running`);
    sendSignal(child.pid, signal);
    if (signal !== 'SIGKILL') return;
    await child.exited;
  }

  /** Settles when the program serves (again). */
  async ready(): Promise<void> {
    if (this.#isReady) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #end(child: Child): Promise<void> {
    await endChild(child, this.#program.stopSignal, this.#program.stopWithinSeconds);
  }

  async #bringUp(state: 'starting' | 'restarting'): Promise<Child> {
    const { name, prepare, launch } = this.#program;
    this.#around.report(state);
    await prepare?.();
    this.#stopping.signal.throwIfAborted();
    const child = await startChild(name, launch(), this.#around.logPath, this.#around.lock);
    this.#child = child;
    void child.exited.then(() => {
      this.#child = undefined;
      this.#isReady = false;
    });
    try {
      await this.#untilReady(child);
    } catch (error) {
      await this.#end(child);
      throw error;
    }
    this.#around.report('ready');
    this.#isReady = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
    return child;
  }

  async #untilReady(child: Child): Promise<void> {
    const { name, probe, readyWithinSeconds = readyWithin } = this.#program;
    const stop = AbortSignal.any([this.#stopping.signal, child.gone]);
    const deadline = Date.now() + readyWithinSeconds * 1000;
    let reason = '';
    while (Date.now() < deadline) {
      if (this.#stopping.signal.aborted) throw new StackError(`${name} was stopped while starting.`);
      if (child.gone.aborted) {
        throw new StackError(`${name} ended while starting (${await child.exited}); ${tailOf(child.log)}`);
      }
      try {
        await probe(AbortSignal.any([stop, AbortSignal.timeout(probeTimeout)]));
        return;
      } catch (error) {
        if (error instanceof StackError) throw error;
        reason = messageOf(error);
      }
      await wait(probePause, undefined, { signal: stop }).catch(() => undefined);
    }
    throw new StackError(
      `${name} was not ready within ${readyWithinSeconds} s (${reason}); ${tailOf(child.log)}`,
    );
  }

  /** Starts the program again whenever it ends, until it is told to stop. */
  async #keepUp(first: Child): Promise<void> {
    const { name } = this.#program;
    const { signal } = this.#stopping;
    let delay = firstBackoff;
    let child: Child | undefined = first;
    let readySince = Date.now();
    while (child) {
      const how: string = await child.exited;
      if (signal.aborted) return;
      if (Date.now() - readySince > healthyAfter) delay = firstBackoff;
      let text: string = `${name} died (${how}); ${tailOf(child.log)}`;
      child = undefined;
      while (!child) {
        this.#around.report('restarting', `${text}\nStarting ${name} again in ${delay / 1000} s.`);
        await wait(delay, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        delay = Math.min(delay * 2, longestBackoff);
        try {
          child = await this.#bringUp('restarting');
          readySince = Date.now();
        } catch (error) {
          if (signal.aborted) return;
          text = messageOf(error);
        }
      }
    }
  }
}
