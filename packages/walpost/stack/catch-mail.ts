// Runs MailDev with the options of its own command line, and keeps the last e-mails only: MailDev keeps all, on disk and
// in memory, and the 128 MB that compose gives it are full after 12,000. It then takes no more, and orders wait for theirs.
// Its page is for this machine: MailDev lets the pages of all sites read and delete e-mails.
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import { guardPage } from './guard-page.ts';

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

const require = createRequire(import.meta.url);
const createMailDev = require('maildev') as () => MailDev;
/** What MailDev serves its page with, once it is created. */
const web = require('maildev/lib/web') as { server: Server };

const mailDev = createMailDev();
guardPage(web.server);
mailDev.on('new', () => {
  const [oldest] = mailDev.store;
  if (!oldest || mailDev.store.length <= KEPT) return;
  mailDev.deleteEmail(oldest.id, (error) => {
    if (error) console.error(`e-mail ${oldest.id} is kept: ${error.message}`);
  });
});
await mailDev.listen();
