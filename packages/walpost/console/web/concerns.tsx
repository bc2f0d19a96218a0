import type { Snapshot } from '../snapshot.js';
import { age, clock, plural } from './format.js';
import { Badge, Commands } from './parts.js';

/** What is wrong, since when, and which command helps; or that nothing is. */
export function Concerns({ snapshot }: { snapshot: Snapshot }) {
  const { concerns, at } = snapshot;
  const worst = concerns.some(({ blocked }) => blocked) ? 'bad' : concerns.length > 0 ? 'warn' : 'ok';
  return (
    <section class={`card verdict ${worst}`} aria-label="State of the system">
      <p role="status" class="headline">
        <Badge health={worst}>
          {concerns.length === 0 ? 'Everything flows' : `${plural(concerns.length, 'thing')} to look at`}
        </Badge>
      </p>
      {concerns.length > 0 && (
        <ul class="concerns">
          {concerns.map(({ where, what, since, help }) => (
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
