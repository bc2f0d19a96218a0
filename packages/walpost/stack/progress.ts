import type { Reporter } from './running-stack.ts';
import type { State } from './supervise.ts';

interface Part {
  state: State | 'done' | 'waiting';
  since: number;
  seconds: number;
}

const marks: Record<Part['state'], string> = {
  waiting: ' ',
  starting: '…',
  restarting: '↻',
  ready: '✔',
  done: '✔',
  stopping: '…',
  stopped: '■',
  failed: '✖',
};

/**
 * Shows the parts on a terminal as a live list with their state and seconds; elsewhere as plain lines.
 * `finish` ends the live list, leaving it on the screen; later changes are plain lines.
 */
export function makeProgress(
  out: NodeJS.WriteStream,
  now = () => Date.now(),
): Reporter & { finish: () => void } {
  const live = out.isTTY === true && process.env['TERM'] !== 'dumb';
  const parts = new Map<string, Part>();
  let drawn = 0;
  let timer: NodeJS.Timeout | undefined;

  const secondsOf = (part: Part) =>
    part.state === 'starting' || part.state === 'restarting'
      ? Math.round((now() - part.since) / 1000)
      : part.seconds;
  const row = ([name, part]: [string, Part]) => {
    const seconds = part.state === 'waiting' ? '' : `${secondsOf(part)} s`;
    return `${marks[part.state]} ${name.padEnd(20)} ${part.state.padEnd(10)} ${seconds}`;
  };
  const erase = () => {
    if (drawn > 0) out.write(`\x1b[${drawn}A\x1b[0J`);
    drawn = 0;
  };
  const draw = () => {
    erase();
    // Rows past the screen's height could not be erased again.
    const rows = [...parts].map(row).slice(0, Math.max(0, (out.rows || 24) - 2));
    for (const text of rows) out.write(`${text.slice(0, Math.max(0, (out.columns || 80) - 1))}\n`);
    drawn = rows.length;
  };

  return {
    parts: (names) => {
      for (const name of names) parts.set(name, { state: 'waiting', since: now(), seconds: 0 });
      if (!live) return;
      timer = setInterval(draw, 250);
      draw();
    },
    state: (name, state) => {
      const before = parts.get(name);
      const begins = state === 'starting' || state === 'restarting' || state === 'stopping';
      const since = begins || !before ? now() : before.since;
      const seconds = Math.round((now() - since) / 100) / 10;
      parts.set(name, { state, since, seconds });
      if (timer) return draw();
      if (state === 'ready' || state === 'done') out.write(`${name} ${state} (${seconds} s)\n`);
      else if (state === 'stopped' && before?.state === 'stopping') out.write(`${name} stopped\n`);
    },
    line: (text) => {
      erase();
      out.write(`${text}\n`);
      if (timer) draw();
    },
    finish: () => {
      if (!timer) return;
      clearInterval(timer);
      timer = undefined;
      draw();
      drawn = 0;
    },
  };
}
