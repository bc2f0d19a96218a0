import { useState } from 'preact/hooks';
import type { LoadState } from '../snapshot.ts';
import { call } from './api.ts';
import { age, count } from './format.ts';
import type { Act } from './page.tsx';

interface Props {
  load: LoadState;
  /** Now, as the server has it, ms since the epoch. */
  at: number;
  act: Act;
}

/** Sends sample requests at a rate, so that something moves. */
export function LoadControl({ load, at, act }: Props) {
  const [rate, setRate] = useState(5);
  const set = (perSecond: number) =>
    act(async (token) => {
      await call('/api/load', { method: 'PUT', token, body: { perSecond } });
    });
  return (
    <div>
      <div class="control">
        <label>
          Sample requests, a second
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
          'Through the API, as anybody would, for five minutes at most. '}
        {load.endsAt !== null && `Sending ${load.perSecond} a second, for another ${age(load.endsAt - at)}. `}
        {load.placed > 0 && `${count(load.placed)} answered. `}
        {load.failed > 0 && (
          <span class="error">
            {count(load.failed)} failed: {load.error}
          </span>
        )}
      </p>
    </div>
  );
}
