import { concepts } from './concept-list.ts';

/** From a concept to its scenario, and to where it is seen on this page. */
export function Concepts() {
  return (
    <ul class="concepts">
      {concepts.map(({ scenario, section, seen }) => (
        <li key={scenario}>
          <code>npm run scenario {scenario}</code>
          <a href={`#${section}`}>{seen}</a>
        </li>
      ))}
    </ul>
  );
}
