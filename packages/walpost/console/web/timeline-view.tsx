import type { Verdict } from '../../trace/diagnose-timeline.ts';
import type { Step } from '../../trace/timeline-steps.ts';
import { age, clock } from './format.ts';
import type { Health } from './health.ts';
import type { KeyAnswer } from './key-search.tsx';
import { Badge, Commands } from './parts.tsx';

const TITLES: Record<Verdict['state'], { health: Health; text: string }> = {
  unknown: { health: 'unknown', text: 'Nobody knows this key' },
  finished: { health: 'ok', text: 'Finished: everything that is to happen has happened' },
  moving: { health: 'ok', text: 'On its way' },
  stuck: { health: 'bad', text: 'Stuck' },
};
const MARKS: Record<Step['state'], string> = { done: '✓', waiting: '…', failed: '✕' };
const WORDS: Record<Step['state'], string> = { done: 'done', waiting: 'waiting', failed: 'failed' };

/** The timeline of one key, from its first row to its last effect, and what keeps it. */
export function TimelineView({ answer, traceUrl }: { answer: KeyAnswer; traceUrl: string | null }) {
  const { key, steps, verdict, problems, now } = answer;
  const { health, text } = TITLES[verdict.state];
  const begin = steps.find(({ at }) => at !== null)?.at ?? now;
  const trace = steps.find(({ traceId }) => traceId !== null)?.traceId ?? null;
  return (
    <article class="timeline" aria-label={`Timeline of ${key}`}>
      <div class={`verdict ${health}`}>
        <p class="headline">
          <Badge health={health}>{text}</Badge>
        </p>
        <ul class="issues">
          {verdict.findings.map(({ where, what, since, help }) => (
            <li key={`${where} ${what}`}>
              <strong>{where}</strong>: {what}{' '}
              <span class="muted">
                since {clock(since)} ({age(now - since)})
              </span>
              <Commands help={help} />
            </li>
          ))}
        </ul>
        {problems.map((problem) => (
          <p key={problem} class="away">
            <Badge health="unknown">not asked</Badge> {problem}
          </p>
        ))}
        {trace && (
          <p class="muted">
            Trace{' '}
            {traceUrl ? (
              <a href={traceUrl.replace('{traceId}', encodeURIComponent(trace))} rel="noreferrer">
                <code>{trace}</code>
              </a>
            ) : (
              <code>{trace}</code>
            )}
          </p>
        )}
      </div>
      {steps.length > 0 && (
        <ol class="steps">
          {steps.map(({ at, where, what, state }) => (
            <li key={`${where} ${what}`} class={state}>
              <span class="mark" aria-hidden="true">
                {MARKS[state]}
              </span>
              <span class="time">
                {at === null ? WORDS[state] : clock(at, true)}
                {at !== null && <small> +{Math.max(0, Math.round(at - begin))} ms</small>}
              </span>
              <span class="where">{where}</span>
              <span class="what">{what}</span>
            </li>
          ))}
        </ol>
      )}
    </article>
  );
}
