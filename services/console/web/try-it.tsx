import { useEffect, useRef, useState } from 'preact/hooks';
import type { Snapshot } from '../snapshot.js';
import { call } from './api.js';
import { age, count } from './format.js';
import type { Act } from './page.js';

interface Props {
  snapshot: Snapshot;
  output: readonly string[];
  act: Act;
}

/** Places orders at a rate, so that something moves. */
export function LoadControl({ snapshot: { load, at }, act }: Omit<Props, 'output'>) {
  const [rate, setRate] = useState(5);
  const set = (perSecond: number) =>
    act(async (token) => {
      await call('/api/load', { method: 'PUT', token, body: { perSecond } });
    });
  return (
    <div>
      <div class="control">
        <label>
          Place orders, a second
          <input
            type="range"
            min={1}
            max={50}
            value={rate}
            onInput={({ currentTarget }) => setRate(Number(currentTarget.value))}
          />
        </label>
        <output>{rate} /s</output>
        <button type="button" class="primary" onClick={() => set(rate)}>
          {load.endsAt === null ? 'Start' : 'Change'}
        </button>
        <button type="button" disabled={load.endsAt === null} onClick={() => set(0)}>
          Stop
        </button>
      </div>
      <p class="muted">
        {load.endsAt === null &&
          load.placed === 0 &&
          'Through the order API, as anybody would, for five minutes at most. '}
        {load.endsAt !== null && `Placing ${load.perSecond} a second, for another ${age(load.endsAt - at)}. `}
        {load.placed > 0 && `${count(load.placed)} placed. `}
        {load.failed > 0 && (
          <span class="error">
            {count(load.failed)} failed: {load.error}
          </span>
        )}
      </p>
    </div>
  );
}

/** Plays the concepts on a stack of their own, and shows what they print. */
export function ScenarioControl({ snapshot: { scenario }, output, act }: Props) {
  const log = useRef<HTMLPreElement>(null);
  useEffect(() => log.current?.scrollTo(0, log.current.scrollHeight), [output]);
  const set = (name: string | null) =>
    act(async (token) => {
      await call('/api/scenario', { method: 'PUT', token, body: { name } });
    });
  return (
    <div>
      {scenario.unavailable && <p class="empty">{scenario.unavailable}</p>}
      <ul class="scenarios">
        {scenario.list.map(({ name, summary }) => (
          <li key={name}>
            <button type="button" disabled={scenario.running !== null} onClick={() => set(name)}>
              {name}
            </button>
            <span>{summary}</span>
          </li>
        ))}
      </ul>
      {scenario.running && (
        <p>
          Playing <strong>{scenario.running}</strong>{' '}
          <button type="button" onClick={() => set(null)}>
            Stop
          </button>
        </p>
      )}
      {output.length > 0 && (
        <section aria-label="What the scenario prints">
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <pre ref={log} class="output" tabIndex={0}>
            {output.join('\n')}
          </pre>
        </section>
      )}
    </div>
  );
}
