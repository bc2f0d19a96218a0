import { expect } from '@jest/globals';
import type { Prometheus } from 'walpost/testing/prometheus';
import { runbookSection } from 'walpost/testing/runbook';
import { eventually, setting } from 'walpost/testing/support';
import type { TestStack } from 'walpost/testing/test-stack';

/** What the page shows first. */
interface Issue {
  what: string;
}

/** Everyone that an operator asks. Without a Prometheus on this machine, all but the alerts. */
export interface Voices {
  stack: TestStack;
  prometheus: Prometheus | undefined;
}

/** What one of them said last, and whether that was it. */
interface Answer {
  said: string;
  isIt: boolean;
}

/**
 * The last of them has to say it within this time, s. It is a bound for a busy machine, on which 20 s were seen; how long
 * each took is printed.
 */
const SOON = 90;
/** Between two questions, ms: doctor and trace are programs that keep a core busy. */
const ASK_EVERY = 2_000;

/** What is wrong, as the page has it. */
export async function issuesOf({ env }: TestStack): Promise<Issue[]> {
  const response = await fetch(`http://127.0.0.1:${setting(env, 'CONSOLE_PORT')}/api/snapshot`);
  return ((await response.json()) as { issues: Issue[] }).issues;
}

/**
 * Waits until doctor has printed what a section of the runbook quotes, and page and trace have said it too, and an alert,
 * whose command is one of that section's.
 *
 * @param same what all of them have in common
 * @param id of an order that is kept by it
 * @throws Error with what each said last
 */
export async function allSay(voices: Voices, title: string, same: RegExp, id: string): Promise<void> {
  const asked = questions(voices, title, same, id);
  const started = Date.now();
  const last = new Map<string, string>();
  const took = new Map<string, number>();
  const listenTo = ([who, ask]: (typeof asked)[number]) =>
    eventually(
      async () => {
        const { said, isIt } = await ask();
        last.set(who, said);
        if (!isIt) return undefined;
        took.set(who, (Date.now() - started) / 1000);
        return true;
      },
      SOON,
      { every: ASK_EVERY },
    );
  try {
    await Promise.all(asked.map(listenTo));
  } catch (error) {
    const text = [...last].map(([who, words]) => `${who}${took.has(who) ? ', agreed' : ''}:\n${words}`);
    throw new Error(`not all say ${same}:\n${text.join('\n')}`, { cause: error });
  }
  const each = [...took].map(([who, seconds]) => `${who} ${seconds.toFixed(1)}`);
  console.log(`${title}: said by all after ${Math.max(...took.values()).toFixed(1)} s (${each.join(', ')})`);
}

function questions(
  { stack, prometheus }: Voices,
  title: string,
  same: RegExp,
  id: string,
): [string, () => Promise<Answer>][] {
  const { sees, commands } = runbookSection(title);
  expect(sees).toHaveLength(1);
  const known = commands.map((args) => ['npx walpost', ...args].join(' '));
  const asked: [string, () => Promise<Answer>][] = [
    [
      'page',
      async () => {
        const issues = await issuesOf(stack);
        return { said: JSON.stringify(issues), isIt: issues.some(({ what }) => same.test(what)) };
      },
    ],
    [
      'doctor',
      async () => {
        const { code, stdout } = await stack.walpost('doctor');
        const isIt = code === 1 && sees.every((line) => line.test(stdout));
        return { said: stdout.replace(/^ok .*\n/gm, ''), isIt };
      },
    ],
    [
      'trace',
      async () => {
        const { stdout } = await stack.walpost('trace', id);
        return { said: stdout, isIt: /^stuck at /m.test(stdout) && same.test(stdout) };
      },
    ],
  ];
  if (prometheus)
    asked.push([
      'alert',
      async () => {
        const alerts = await prometheus.alerts();
        const isIt = alerts.some(
          ({ annotations: { summary, help = '-' } }) =>
            same.test(summary) && known.some((each) => each.startsWith(help)),
        );
        return { said: JSON.stringify(alerts), isIt };
      },
    ]);
  return asked;
}
