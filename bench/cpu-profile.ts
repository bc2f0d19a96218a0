import { type Profiler, Session } from 'node:inspector';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '@walpost/native/paths';

/** V8's own; a browser's developer tools open it as a file that ends in `.cpuprofile`. */
export type CpuProfile = Profiler.Profile;

type CallFrame = CpuProfile['nodes'][number]['callFrame'];

/** A stretch of time, µs, by `process.hrtime`: the clock by which V8 tells when it took a sample. */
export interface Stretch {
  from: number;
  to: number;
}

/** What a process did in a stretch of time. */
export interface Shares {
  /** Of the stretch, in which the process was not idle; 0 to 1. */
  busy: number;
  /** Of the time in which it was busy, by function and the file it is in; 0 to 1. */
  byFunction: ReadonlyMap<string, number>;
  /** The same by package: a function of Node belongs to the package that called it. */
  byPackage: ReadonlyMap<string, number>;
}

/** Profiles this process. @returns what ends that, also while the process exits */
export function startProfile(): () => CpuProfile {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.start');
  return () => {
    let profile: CpuProfile | undefined;
    // A session with its own thread answers before `post` returns.
    session.post('Profiler.stop', (error, answer) => {
      if (error) throw error;
      profile = answer.profile;
    });
    session.disconnect();
    if (!profile) throw new Error('the inspector gave no profile');
    return profile;
  };
}

/** Now, by the clock of a profile, µs. */
export const profileClock = () => Number(process.hrtime.bigint() / 1_000n);

/** Adds up the samples of a stretch, each by the function that was running and by the package it worked for. */
export function sharesOf(
  { nodes, samples = [], timeDeltas = [], startTime }: CpuProfile,
  { from, to }: Stretch,
): Shares {
  const nodeOf = new Map(nodes.map((node) => [node.id, node]));
  const callerOf = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const ownerOf = (id: number | undefined): string => {
    if (id === undefined) return 'Node';
    const frame = nodeOf.get(id)?.callFrame;
    return (frame && packageOf(frame)) ?? ownerOf(callerOf.get(id));
  };
  const byFunction = new Map<string, number>();
  const byPackage = new Map<string, number>();
  let at = startTime;
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    // V8 tells how long before a sample the one before was; what ran at this one ran until the next.
    at += timeDeltas[index] ?? 0;
    const lasted = timeDeltas[index + 1] ?? 0;
    const node = nodeOf.get(id);
    if (at < from || at >= to || !node || node.callFrame.functionName === '(idle)') continue;
    busy += lasted;
    add(byFunction, nameOf(node.callFrame), lasted);
    add(byPackage, ownerOf(id), lasted);
  }
  const share = (times: ReadonlyMap<string, number>) =>
    new Map([...times].map(([name, time]): [string, number] => [name, time / busy]));
  return { busy: busy / (to - from), byFunction: share(byFunction), byPackage: share(byPackage) };
}

function add(times: Map<string, number>, name: string, time: number): void {
  times.set(name, (times.get(name) ?? 0) + time);
}

/** `(garbage collector)`, `writev`, `toEvent (services/kit/receive.js)`, `decode (kafkajs)`. */
function nameOf(frame: CallFrame): string {
  const name = frame.functionName || 'without a name';
  if (frame.url === '') return name;
  const dependency = dependencyOf(frame.url);
  const file = frame.url.startsWith('file:') ? pathOf(frame.url).replace('/dist/', '/') : frame.url;
  return `${name} (${dependency ?? file})`;
}

/** @returns undefined for what is Node's or V8's own, but for the garbage collector */
function packageOf({ functionName, url }: CallFrame): string | undefined {
  if (functionName === '(garbage collector)') return functionName;
  if (!url.startsWith('file:')) return undefined;
  return dependencyOf(url) ?? pathOf(url).replace(/\/dist\/.*/, '');
}

function dependencyOf(url: string): string | undefined {
  return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
}

/** The path in this repository. */
function pathOf(url: string): string {
  return relative(root, fileURLToPath(url)).split(sep).join('/');
}
