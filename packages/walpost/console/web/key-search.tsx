import { useEffect, useState } from 'preact/hooks';
import { SLOW_AFTER_MS } from '../../observe/diagnose-group.ts';
import type { Head } from '../../observe/system-view.ts';
import type { Verdict } from '../../trace/diagnose-timeline.ts';
import type { Step } from '../../trace/timeline-steps.ts';
import type { Snapshot } from '../snapshot.ts';
import { call } from './api.ts';
import { age } from './format.ts';
import { Badge, Shown } from './parts.tsx';
import { TimelineView } from './timeline-view.tsx';
import { useKeyInAddress } from './use-console.ts';

/** What the API answers about one key. */
export interface KeyAnswer {
  readonly key: string;
  readonly now: number;
  readonly problems: readonly string[];
  readonly steps: readonly Step[];
  readonly verdict: Verdict;
}

/** Asks for one key again for as long as its events are on their way, ms. */
const AGAIN = 2_000;

/** Looks up one key, by its text, or by the lists of the latest and of those that are still pending. */
export function KeySearch({ snapshot }: { snapshot: Snapshot }) {
  const [key, setKey] = useKeyInAddress();
  const [typed, setTyped] = useState(key);
  const { answer, problem } = useAnswer(key);
  const { heads, at } = snapshot;
  useEffect(() => setTyped(key), [key]);
  return (
    <>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          setKey(typed.trim());
        }}
      >
        <label>
          Key
          <input
            type="search"
            value={typed}
            placeholder="as it is in the topic"
            spellcheck={false}
            autocomplete="off"
            onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary">
          Follow
        </button>
      </form>
      {heads && (
        <Shown source={heads}>
          {({ latest, pending }) => (
            <div class="columns">
              <HeadList title="Oldest pending" heads={pending} none="None is pending." {...{ pending, at }} />
              <HeadList title="Latest" heads={latest} none="There is none yet." {...{ pending, at }} />
            </div>
          )}
        </Shown>
      )}
      <div aria-live="polite">
        {problem && <p class="error">{problem}</p>}
        {answer && <TimelineView answer={answer} traceUrl={snapshot.traceUrl} />}
      </div>
    </>
  );
}

function useAnswer(key: string): { answer: KeyAnswer | null; problem: string } {
  const [answer, setAnswer] = useState<KeyAnswer | null>(null);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    setAnswer(null);
    setProblem('');
    if (key === '') return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;
    const ask = async () => {
      try {
        const found = await call<KeyAnswer>(`/api/keys/${encodeURIComponent(key)}`);
        if (left) return;
        setAnswer(found);
        if (['moving', 'stuck'].includes(found.verdict.state)) timer = setTimeout(ask, AGAIN);
      } catch (error) {
        if (!left) setProblem(error instanceof Error ? error.message : String(error));
      }
    };
    void ask();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [key]);
  return { answer, problem };
}

/** What is pending waits, which is no news before it is old. How anything else has ended is its service's affair. */
function HeadBadge({ status, waits }: { status: string; waits: number | null }) {
  if (waits !== null && waits > SLOW_AFTER_MS) return <Badge health="warn">{status}</Badge>;
  return (
    <Badge health="unknown" sign={waits === null ? '–' : '…'}>
      {status}
    </Badge>
  );
}

function HeadList(props: {
  title: string;
  heads: readonly Head[];
  pending: readonly Head[];
  at: number;
  none: string;
}) {
  const { title, heads, pending, at, none } = props;
  const waiting = new Set(pending.map(({ key }) => key));
  return (
    <div>
      <h3>{title}</h3>
      {heads.length === 0 && <p class="empty">{none}</p>}
      <ul class="heads">
        {heads.map(({ key, status, at: since }) => (
          <li key={key}>
            <a href={`#key=${encodeURIComponent(key)}`} class="mono">
              {key}
            </a>
            <HeadBadge status={status} waits={waiting.has(key) ? at - since : null} />
            <span class="muted">{age(at - since)} ago</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
