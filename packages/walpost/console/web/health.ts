import type { Issue } from '../../observe/system-view.ts';

export type Health = 'ok' | 'warn' | 'bad' | 'unknown';

/** The health of something that was diagnosed. */
export function healthOf(issue: Issue | undefined): Health {
  if (!issue) return 'ok';
  return issue.blocked ? 'bad' : 'warn';
}
