import type { Source } from '@walpost/kit/telemetry/attempt';
import type { ComponentChildren } from 'preact';
import type { Health } from './health.ts';

const SIGNS: Record<Health, string> = { ok: '✓', warn: '!', bad: '✕', unknown: '?' };
const WORDS: Record<Health, string> = { ok: 'fine', warn: 'look here', bad: 'broken', unknown: 'unknown' };

/** A state that is shown by sign and word, not by colour alone. */
export function Badge(props: { health: Health; sign?: string; children?: ComponentChildren }) {
  const { health, sign = SIGNS[health], children } = props;
  return (
    <span class={`badge ${health}`}>
      <span aria-hidden="true">{sign}</span> {children ?? WORDS[health]}
    </span>
  );
}

export function signOf(health: Health): string {
  return SIGNS[health];
}

/** What to type, one command a line. */
export function Commands({ help }: { help: readonly string[] }) {
  return (
    <>
      {help.map((command) => (
        <code key={command} class="command">
          {command}
        </code>
      ))}
    </>
  );
}

/** A part of the page with a heading, and one plain sentence about what it is. */
export function Section({
  id,
  title,
  about,
  children,
}: {
  id: string;
  title: string;
  about: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section id={id} aria-labelledby={`${id}-title`} class="card">
      <h2 id={`${id}-title`}>{title}</h2>
      <p class="about">{about}</p>
      {children}
    </section>
  );
}

/** Shows what a source says, or in its place why it says nothing. */
export function Shown<T>({
  source,
  children,
}: {
  source: Source<T>;
  children: (value: T) => ComponentChildren;
}) {
  if ('value' in source) return <>{children(source.value)}</>;
  return (
    <p class="away">
      <Badge health="unknown">not known</Badge> {source.error}
    </p>
  );
}

/** A table that scrolls by itself where the screen is narrow. */
export function Table({
  label,
  headings,
  children,
}: {
  label: string;
  headings: readonly string[];
  children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" aria-label={`Table: ${label}`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {headings.map((heading) => (
              <th key={heading} scope="col">
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}
