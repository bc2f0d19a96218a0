// Runs MailDev with the options of its own command line, and keeps the last e-mails only: MailDev keeps all, on disk and
// in memory, and the 128 MB that compose gives it are full after 12,000. It then takes no more, and orders wait for theirs.
import { createRequire } from 'node:module';

/** How many e-mails are kept; the page shows them all in one list. */
const KEPT = 1_000;

/** What this uses of MailDev, which has no types. */
interface MailDev {
  /** The oldest first. */
  readonly store: readonly { id: string }[];
  on(event: 'new', listener: () => void): void;
  deleteEmail(id: string, done: (error: Error | null) => void): void;
  listen(): Promise<void>;
}

const createMailDev = createRequire(import.meta.url)('maildev') as () => MailDev;
const mailDev = createMailDev();
mailDev.on('new', () => {
  const [oldest] = mailDev.store;
  if (!oldest || mailDev.store.length <= KEPT) return;
  mailDev.deleteEmail(oldest.id, (error) => {
    if (error) console.error(`e-mail ${oldest.id} is kept: ${error.message}`);
  });
});
await mailDev.listen();
