import type { Snapshot } from '../snapshot.ts';
import { COLUMNS, type Edge, flowModel, type Node } from './flow-model.ts';
import { Badge, signOf } from './parts.tsx';

const BOX = { width: 190, height: 76 };
const STEP = { x: 214, y: 92 };
const TOP = 34;

const left = ({ column }: Node) => column * STEP.x + 2;
const top = ({ row }: Node) => TOP + row * STEP.y;

/** The live picture: where things begin, and which way their events go. */
export function Flow({ snapshot }: { snapshot: Snapshot }) {
  const { nodes, edges } = flowModel(snapshot);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const width = 5 * STEP.x + BOX.width + 4;
  const height = Math.max(...nodes.map(top)) + BOX.height + 4;
  const text = nodes.map(({ title, lines }) => `${title}: ${lines.join(', ')}`).join('; ');
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="scroll picture" aria-label="Flow of events" tabIndex={0}>
        <svg
          class="flow"
          viewBox={`0 0 ${width} ${height}`}
          role="img"
          aria-label={`Flow of events. ${text}`}
        >
          {COLUMNS.map(({ title }, column) => (
            <text key={title} class="column" x={column * STEP.x + 4} y={18}>
              {column + 1} {title}
            </text>
          ))}
          {edges.map((edge) => (
            <Arrow key={`${edge.from}-${edge.to}`} edge={edge} byId={byId} />
          ))}
          {nodes.map((node) => (
            <Box key={node.id} node={node} />
          ))}
        </svg>
      </section>
      <Stages nodes={nodes} />
      <ol class="legend">
        {COLUMNS.map(({ title, about }) => (
          <li key={title}>
            <strong>{title}.</strong> {about}
          </li>
        ))}
      </ol>
    </>
  );
}

/** The same in words, for a screen that is too narrow for the picture. */
function Stages({ nodes }: { nodes: readonly Node[] }) {
  return (
    <div class="stages">
      {COLUMNS.map(({ title }, column) => (
        <div key={title}>
          <h3>
            {column + 1} {title}
          </h3>
          <ul>
            {nodes
              .filter((node) => node.column === column)
              .map(({ id, title: name, lines, health }) => (
                <li key={id}>
                  <Badge health={health}>{name}</Badge>
                  <span class="muted">{lines.join(', ')}</span>
                </li>
              ))}
          </ul>
        </div>
      ))}
    </div>
  );
}

function Box({ node }: { node: Node }) {
  const { title, lines, health } = node;
  return (
    <g class={`box ${health}`} transform={`translate(${left(node)} ${top(node)})`}>
      <rect width={BOX.width} height={BOX.height} rx={10} />
      <circle class="dot" cx={20} cy={20} r={9} />
      <text class="sign" x={20} y={24}>
        {signOf(health)}
      </text>
      <text class="title" x={36} y={25}>
        {title}
      </text>
      {lines.map((line, at) => (
        <text key={line} class="line" x={36} y={45 + at * 18}>
          {line}
        </text>
      ))}
    </g>
  );
}

function Arrow({ edge, byId }: { edge: Edge; byId: ReadonlyMap<string, Node> }) {
  const from = byId.get(edge.from);
  const to = byId.get(edge.to);
  if (!from || !to) return null;
  const [x1, y1] = [left(from) + BOX.width, top(from) + BOX.height / 2];
  const [x2, y2] = [left(to), top(to) + BOX.height / 2];
  const bend = (x2 - x1) / 2;
  const path = `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  const known = [from, to].every(({ health }) => health === 'ok' || health === 'warn');
  const perSecond = known ? (edge.perSecond ?? 0) : 0;
  const speed = perSecond < 0.05 ? 'still' : perSecond < 10 ? 'slow' : 'fast';
  return (
    <g class={`arrow ${speed}`}>
      <path d={path} class="pipe" />
      {speed !== 'still' && <path d={path} class="stream" />}
    </g>
  );
}
