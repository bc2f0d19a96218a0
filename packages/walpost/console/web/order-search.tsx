import { useEffect, useState } from 'preact/hooks';
import { SLOW_AFTER_MS } from '../../observe/diagnose-group.ts';
import type { OrderHead } from '../../observe/system-view.ts';
import type { Verdict } from '../../trace/diagnose-timeline.ts';
import type { Step } from '../../trace/timeline-steps.ts';
import type { Snapshot } from '../snapshot.ts';
import { call } from './api.ts';
import { age } from './format.ts';
import { Badge, Shown } from './parts.tsx';
import { TimelineView } from './timeline-view.tsx';
import { useOrderInAddress } from './use-console.ts';

/** What the API answers about one order. */
export interface OrderAnswer {
  readonly orderId: string;
  readonly now: number;
  readonly problems: readonly string[];
  readonly steps: readonly Step[];
  readonly verdict: Verdict;
}

/** Asks for one order again for as long as it is on its way, ms. */
const AGAIN = 2_000;

/** Finds one order by its id, or by the lists of the latest and of those that are still pending. */
export function OrderSearch({ snapshot }: { snapshot: Snapshot }) {
  const [id, setId] = useOrderInAddress();
  const [typed, setTyped] = useState(id);
  const { answer, problem } = useOrder(id);
  useEffect(() => setTyped(id), [id]);
  return (
    <>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          setId(typed.trim());
        }}
      >
        <label>
          Order id
          <input
            type="search"
            value={typed}
            placeholder="01a20a29-fdef-7588-a123-7da3b8390638"
            spellcheck={false}
            autocomplete="off"
            onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary">
          Follow
        </button>
      </form>
      <Shown source={snapshot.orders}>
        {({ latest, pending }) => (
          <div class="columns">
            <Heads title="Oldest pending" orders={pending} at={snapshot.at} none="No order is pending." />
            <Heads title="Latest" orders={latest} at={snapshot.at} none="No order yet: place some below." />
          </div>
        )}
      </Shown>
      <div aria-live="polite">
        {problem && <p class="error">{problem}</p>}
        {answer && <TimelineView answer={answer} traceUrl={snapshot.traceUrl} />}
      </div>
    </>
  );
}

function useOrder(id: string): { answer: OrderAnswer | null; problem: string } {
  const [answer, setAnswer] = useState<OrderAnswer | null>(null);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    setAnswer(null);
    setProblem('');
    if (id === '') return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;
    const ask = async () => {
      try {
        const found = await call<OrderAnswer>(`/api/orders/${encodeURIComponent(id)}`);
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
  }, [id]);
  return { answer, problem };
}

/** A cancelled order has ended well for the system, and a pending one is no news before it is old. */
function OrderBadge({ order: { status, at: since }, at }: { order: OrderHead; at: number }) {
  if (status === 'CONFIRMED') return <Badge health="ok">{status}</Badge>;
  if (status !== 'PENDING')
    return (
      <Badge health="unknown" sign="–">
        {status}
      </Badge>
    );
  if (at - since > SLOW_AFTER_MS) return <Badge health="warn">{status}</Badge>;
  return (
    <Badge health="unknown" sign="…">
      {status}
    </Badge>
  );
}

function Heads(props: { title: string; orders: readonly OrderHead[]; at: number; none: string }) {
  const { title, orders, at, none } = props;
  return (
    <div>
      <h3>{title}</h3>
      {orders.length === 0 && <p class="empty">{none}</p>}
      <ul class="heads">
        {orders.map((order) => (
          <li key={order.id}>
            <a href={`#order=${order.id}`} class="mono">
              {order.id}
            </a>
            <OrderBadge order={order} at={at} />
            <span class="muted">{age(at - order.at)} ago</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
