import type { OpenTransaction } from '@walpost/kit/kafka/requests';
import type { GroupProgress } from './describe-group.ts';
import { openSince, transactionHelp, transactionText } from './open-transactions.ts';
import type { Issue } from './system-view.ts';

/** Waiting longer than this is worth a word, ms. */
export const SLOW_AFTER_MS = 10_000;

/** What starts a part that is not running, on one machine. */
export const START = 'npm start (or: docker compose up -d)';

/** Says that a group is not running, or is late. @returns undefined when it is neither */
export function diagnoseGroup(group: GroupProgress, now: number): Issue | undefined {
  const { group: where, members } = group;
  const { lag, oldest } = behind(group);
  const help = [`npx walpost groups describe ${where}`];
  if (members === 0) {
    const waiting = lag > 0 ? `, and ${records(lag, 'waits', 'wait')} for it` : '';
    const what = `it is not running, its group has no member${waiting}`;
    return { where, what, since: oldest, help: [START, ...help], blocked: true };
  }
  const [problem] = group.partitions.flatMap((each) => each.problem ?? []);
  if (problem !== undefined) {
    const what = `${problem}: what is written there waits, and how much is not known`;
    return { where, what, since: null, help, blocked: true };
  }
  const held = longestOpen(group);
  if (held && now - openSince(held) > SLOW_AFTER_MS) {
    // One that hangs stays until somebody ends it.
    const { hanging: blocked } = held;
    return {
      where,
      what: transactionText(held),
      since: openSince(held),
      help: transactionHelp(held),
      blocked,
    };
  }
  if (oldest === null || now - oldest <= SLOW_AFTER_MS) return undefined;
  return { where, what: `it is ${records(lag, 'behind', 'behind')}`, since: oldest, help, blocked: false };
}

/** Lag of a group in records, over its partitions, and when the oldest unread one was written. */
export function behind({ partitions }: GroupProgress): { lag: number; oldest: number | null } {
  const times = partitions.flatMap(({ oldestUnread }) => oldestUnread ?? []);
  return {
    lag: partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
    oldest: times.length === 0 ? null : Math.min(...times),
  };
}

/** The transaction that has kept the group from reading on for the longest. */
function longestOpen({ partitions }: GroupProgress): OpenTransaction | undefined {
  const open = partitions.flatMap(({ openTransaction }) => openTransaction ?? []);
  return open.sort((a, b) => openSince(a) - openSince(b))[0];
}

function records(count: number, one: string, many: string): string {
  return count === 1 ? `1 record ${one}` : `${count} records ${many}`;
}
