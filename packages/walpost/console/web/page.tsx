import { useEffect, useState } from 'preact/hooks';
import { call, Refused } from './api.ts';
import { AskDialog, type Question } from './ask-dialog.tsx';
import { Concepts } from './concepts.tsx';
import { DeadLetters } from './dead-letters.tsx';
import { Flow } from './flow.tsx';
import { clock } from './format.ts';
import { Groups } from './groups.tsx';
import { Issues } from './issues.tsx';
import { KeySearch } from './key-search.tsx';
import { LoadControl } from './load-control.tsx';
import { Badge, Section } from './parts.tsx';
import { Relays } from './relays.tsx';
import { Topics } from './topics.tsx';
import { useLive, useToken } from './use-console.ts';

/** Does something that needs the token, or asks a question first; without a token it asks for that. */
export type Act = (what: (token: string) => Question | Promise<void>) => void;

const SECTIONS = [
  ['flow', 'Flow'],
  ['key', 'Look up a key'],
  ['consumers', 'Consumers'],
  ['dead-letters', 'Dead letters'],
  ['relays', 'Relay'],
  ['topics', 'Topics'],
  ['concepts', 'Concepts'],
] as const;

export function Page() {
  const { snapshot, connected } = useLive();
  const [token, setToken] = useToken();
  const [question, setQuestion] = useState<Question | null>(null);
  const [problem, setProblem] = useState('');

  const troubles = snapshot?.issues.length ?? 0;
  useEffect(() => {
    document.title = `${troubles > 0 ? `(${troubles}) ` : ''}Walpost console`;
  }, [troubles]);

  function askForToken(next?: (token: string) => void): void {
    if (snapshot && !snapshot.changeable) {
      setProblem('This console only shows: CONSOLE_TOKEN is not set where it runs.');
      return;
    }
    setQuestion({
      title: 'Unlock changes',
      text: 'Looking needs nothing. To change something, give the token: npm start prints it, and with compose it is shown by docker compose run --rm secrets show CONSOLE_TOKEN.',
      action: 'Unlock',
      field: { label: 'Token', type: 'password' },
      run: async (given) => {
        await call('/api/session', { token: given });
        setToken(given);
        setProblem('');
        // Afterwards: it may ask the next question, when this one is closed.
        if (next) setTimeout(next, 0, given);
      },
    });
  }

  const act: Act = (what) => {
    const run = (given: string) => {
      const result = what(given);
      if (!(result instanceof Promise)) {
        setQuestion(result);
        return;
      }
      result.then(
        () => setProblem(''),
        (error: unknown) => {
          if (error instanceof Refused && error.status === 401) setToken(null);
          setProblem(error instanceof Error ? error.message : String(error));
        },
      );
    };
    if (token === null) askForToken(run);
    else run(token);
  };

  return (
    <>
      <header>
        <div class="bar">
          <h1>
            Walpost <span class="muted">console</span>
          </h1>
          <p class="live">
            <Badge health={connected ? 'ok' : 'warn'}>{connected ? 'live' : 'not connected'}</Badge>
            {snapshot && <span class="muted">{clock(snapshot.at)}</span>}
          </p>
          {token === null ? (
            <button type="button" onClick={() => askForToken()}>
              Read-only: unlock
            </button>
          ) : (
            <button type="button" onClick={() => setToken(null)}>
              Unlocked: lock
            </button>
          )}
        </div>
        <nav aria-label="Parts of this page">
          {SECTIONS.map(([id, title]) => (
            <a key={id} href={`#${id}`}>
              {title}
            </a>
          ))}
        </nav>
      </header>
      <main>
        {problem && (
          <p role="alert" class="card problem">
            {problem}
          </p>
        )}
        {!snapshot && (
          <p class="card">{connected ? 'Looking at the system…' : 'Connecting to the console…'}</p>
        )}
        {snapshot && (
          <>
            <Issues snapshot={snapshot} />
            <Section
              id="flow"
              title="Flow"
              about="Events go from left to right. What moves, moves; the numbers are of the last seconds."
            >
              {snapshot.load && <LoadControl load={snapshot.load} at={snapshot.at} act={act} />}
              <Flow snapshot={snapshot} />
            </Section>
            <Section
              id="key"
              title="Where is my event?"
              about="The timeline of one key, read from the databases and topics themselves: where its events are, and what keeps them there."
            >
              <KeySearch snapshot={snapshot} />
            </Section>
            <Section
              id="consumers"
              title="Consumers"
              about="Each service reads as a consumer group: its members share the partitions, and remember how far they are."
            >
              <Groups snapshot={snapshot} />
            </Section>
            <Section
              id="dead-letters"
              title="Dead letters"
              about="Events that a service could not handle. Later events of the same key wait behind them until somebody decides."
            >
              <DeadLetters snapshot={snapshot} act={act} />
            </Section>
            <Section
              id="relays"
              title="Relay"
              about="A connector reads a database’s log by its slot. While it is stalled nothing is lost: rows stay in the outbox, and the server keeps its log."
            >
              <Relays snapshot={snapshot} />
            </Section>
            <Section
              id="topics"
              title="Topics"
              about="Kafka keeps every event for a week, whoever has read it. All events of one key are in one partition, one after the other."
            >
              <Topics snapshot={snapshot} />
            </Section>
            <Section
              id="concepts"
              title="See the concepts running"
              about="Each of these shows one thing of Kafka or of the outbox, and this is where it is seen here. In a clone of Walpost, npm run scenario shows it on a stack of its own, and docs/concepts.md is the course."
            >
              <Concepts command={snapshot.scenario} />
            </Section>
          </>
        )}
      </main>
      {question && <AskDialog question={question} onClose={() => setQuestion(null)} />}
    </>
  );
}
