import { attempt } from '@walpost/kit/telemetry/attempt';
import { diagnoseSystem } from '../observe/diagnose-system.ts';
import { type AskSource, readSystem, type SystemSources } from '../observe/read-system.ts';
import { type Reading, rateOf } from './rates.ts';
import type { ServiceView, Snapshot } from './snapshot.ts';

/** What the sources say; the console adds what it does itself. */
export type WatchedSystem = Omit<Snapshot, 'load' | 'changeable' | 'traceUrl' | 'scenario'>;

/** How long one source may hold the others back, ms. */
const ANSWER_WITHIN = 3_000;

/**
 * Makes the function that takes a picture of the whole system. It keeps earlier readings, for the rates. A source that
 * is still busy with the last picture is not asked again meanwhile.
 */
export function createSystemWatch(sources: SystemSources): () => Promise<WatchedSystem> {
  const readings = new Map<string, Reading[]>();
  const rate = (name: string, at: number, count: number | null | undefined) => {
    if (count === null || count === undefined) return null;
    const list = readings.get(name) ?? [];
    readings.set(name, list);
    return rateOf(list, { at, count });
  };
  const ask = joining();

  return async () => {
    const view = await readSystem(sources, ask);
    const services = sources.observed.flatMap(({ service }, place): ServiceView[] => {
      const state = view.services[place];
      if (!state) return [];
      const { name, consumes, intake, effect, backlog } = service;
      const read = 'value' in state.counters ? state.counters.value : null;
      const rates = {
        outbox: rate(`${name} outbox`, view.at, read?.outbox),
        inbox: rate(`${name} inbox`, view.at, read?.inbox),
        effects: rate(`${name} effects`, view.at, read?.effects),
      };
      return [{ ...state, consumes, intake, effect, backlog: backlog ?? null, rates }];
    });
    return { ...view, services, issues: diagnoseSystem(view) };
  };
}

/** `attempt`, where a question that is still open is joined instead of asked once more. */
function joining(): AskSource {
  const open = new Map<string, Promise<unknown>>();
  return (what, question, key = what) => {
    const asked = (open.get(key) as ReturnType<typeof question> | undefined) ?? question();
    open.set(key, asked);
    const forget = () => open.delete(key);
    asked.then(forget, forget);
    return attempt(what, () => asked, ANSWER_WITHIN);
  };
}
