import type { Snapshot } from '../snapshot.ts';
import { age, clock, plural } from './format.ts';
import { Badge, Commands } from './parts.tsx';

/** What is wrong, since when, and which command helps; or that nothing is. */
export function Issues({ snapshot }: { snapshot: Snapshot }) {
  const { issues, at } = snapshot;
  const worst = issues.some(({ blocked }) => blocked) ? 'bad' : issues.length > 0 ? 'warn' : 'ok';
  return (
    <section class={`card verdict ${worst}`} aria-label="State of the system">
      <p role="status" class="headline">
        <Badge health={worst}>{issues.length === 0 ? 'All healthy' : plural(issues.length, 'issue')}</Badge>
      </p>
      {issues.length > 0 && (
        <ul class="issues">
          {issues.map(({ where, what, since, help }) => (
            <li key={`${where} ${what}`}>
              <strong>{where}</strong>: {what}
              {since !== null && (
                <span class="muted">
                  {' '}
                  since {clock(since)} ({age(at - since)})
                </span>
              )}
              <Commands help={help} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
