/** Shows how far a run is. */
export interface ProgressLine {
  /** Says what is being done now; `done` of `total` samples are taken. */
  show(text: string, done: number, total: number): void;
  /** Prints a line that stays. */
  line(text: string): void;
  /** Removes the bar. */
  clear(): void;
}

const BAR = 24;

/** A bar that is drawn over and over on a terminal; elsewhere a line for each step. */
export function openProgressLine(out: NodeJS.WriteStream): ProgressLine {
  const live = out.isTTY === true;
  let drawn = false;
  const clear = () => {
    if (drawn) out.write('\r\x1b[K');
    drawn = false;
  };
  return {
    show(text, done, total) {
      // A measurement that prepares something does not know yet how many samples it takes.
      const count = total > 0 ? `${done}/${total} ` : '';
      if (!live) {
        out.write(`${count}${text}\n`);
        return;
      }
      const filled = total > 0 ? Math.round((BAR * done) / total) : 0;
      const bar = '█'.repeat(filled) + '░'.repeat(BAR - filled);
      out.write(`\r\x1b[K${`${bar} ${count}${text}`.slice(0, (out.columns || 80) - 1)}`);
      drawn = true;
    },
    line(text) {
      clear();
      out.write(`${text}\n`);
    },
    clear,
  };
}
