import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

export interface Question {
  readonly title: string;
  readonly text: ComponentChildren;
  /** Of the button that does it. */
  readonly action: string;
  /** Asks for a text too, with this label. */
  readonly field?: { readonly label: string; readonly type: 'text' | 'password' };
  /** Does it; what it throws is shown, and the question stays. */
  readonly run: (text: string) => Promise<void>;
}

/** Asks before something is changed. Escape and Cancel leave everything as it is. */
export function AskDialog({ question, onClose }: { question: Question; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), [question]);

  async function run(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      await question.run(text);
      onClose();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  }

  const rest = {
    id: 'ask-field',
    required: true,
    autocomplete: 'off',
    onInput: ({ currentTarget }: { currentTarget: HTMLInputElement }) => setText(currentTarget.value),
  };
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="ask-title">
      <form onSubmit={run}>
        <h2 id="ask-title">{question.title}</h2>
        <p>{question.text}</p>
        {question.field && (
          <label for="ask-field">
            {question.field.label}
            {question.field.type === 'password' ? (
              <input type="password" value={text} {...rest} />
            ) : (
              <input type="text" value={text} {...rest} />
            )}
          </label>
        )}
        <p role="alert" class="error">
          {problem}
        </p>
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            {busy ? 'One moment…' : question.action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
