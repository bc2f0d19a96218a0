import { concepts } from './concept-list.ts';

/** From a concept to its scenario, where there are any, and to where it is seen on this page. @param command before its name */
export function Concepts({ command }: { command: string | null }) {
  return (
    <ul class="concepts">
      {concepts.map(({ scenario, section, seen }) => (
        <li key={scenario}>
          {command === null ? <b>{scenario}</b> : <code>{`${command} ${scenario}`}</code>}
          <a href={`#${section}`}>{seen}</a>
        </li>
      ))}
    </ul>
  );
}
