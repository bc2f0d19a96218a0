import type { Slot } from '@walpost/kit/outbox/read-slots';
import type { ConnectorView } from './read-connectors.ts';
import type { Issue } from './system-view.ts';

/** WAL retained for one slot that is worth a word, bytes. */
const MUCH_LOG = 1024 ** 3;

/**
 * Says what keeps events in an outbox: the connector, its task or the slot.
 *
 * @param slots null when nobody could ask
 * @returns undefined when all of it is as it should be
 */
export function diagnoseRelay(
  { connector: name, slot: slotName }: { connector: string; slot: string },
  connectors: readonly ConnectorView[],
  slots: readonly Slot[] | null,
): Issue | undefined {
  const slot = slots?.find((each) => each.name === slotName);
  const since = slot?.inactiveSince ?? null;
  const status = 'npx walpost connectors status';
  const at = { where: `connector ${name}`, since, blocked: true };
  const connector = connectors.find((each) => each.name === name);
  if (!connector)
    return { ...at, what: 'it is not registered', help: [`npx walpost connectors apply ${name}`] };
  const restart = `npx walpost connectors restart ${name}`;
  const atSlot = { ...at, where: `slot ${slotName}` };
  if (slot?.walStatus === 'lost') {
    const recreate = `npx walpost outbox recreate-slot ${name} --yes`;
    return { ...atSlot, what: 'it is lost: the server no longer keeps its log', help: [recreate] };
  }
  // A failure says more than a pause, and a connector that is paused more than its task.
  const parts = [connector, ...connector.tasks];
  const bad = parts.find(({ state }) => state === 'FAILED') ?? parts.find(({ state }) => state !== 'RUNNING');
  if (bad) {
    const help = bad.state === 'FAILED' ? restart : `npx walpost connectors resume ${name}`;
    const error = bad.error ? `, ${bad.error}` : '';
    return {
      ...at,
      what: `${'id' in bad ? 'its task' : 'it'} is ${bad.state}${error}`,
      help: [help, status],
    };
  }
  if (connector.tasks.length === 0) return { ...at, what: 'it has no task', help: [restart, status] };
  if (slots && !slot) return { ...atSlot, what: 'it is not there', help: [restart] };
  if (slot && !slot.active) {
    return { ...atSlot, what: 'nobody reads it: the server keeps its log', help: [status], blocked: false };
  }
  const retained = slot?.retainedWalBytes ?? 0;
  if (retained <= MUCH_LOG) return undefined;
  const what = `the server retains ${Math.round(retained / 1e6)} MB of WAL for it`;
  return { ...atSlot, what, help: ['npx walpost outbox status'], blocked: false };
}
