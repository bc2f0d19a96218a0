import { join } from 'node:path';
import { programOf } from '../program-of.ts';
import type { ProcessPart, Site } from './component.ts';
import { probeHttp } from './probe-http.ts';
import { baseEnvironment, portOf } from './settings.ts';

/** MailDev: takes every e-mail, sends none, and shows the last 1,000 on a page. */
export function mailPart(site: Site): ProcessPart {
  const web = portOf(site, 'MAIL_WEB_PORT');
  const options = {
    '--smtp': portOf(site, 'SMTP_URL'),
    '--web': web,
    '--ip': '127.0.0.1',
    '--web-ip': '127.0.0.1',
    '--mail-directory': join(site.dataDir, 'mail'),
  };
  return {
    kind: 'process',
    name: 'mail',
    group: 'mail',
    needs: [],
    launch: () => ({
      command: process.execPath,
      args: [
        programOf('stack/catch-mail'),
        ...Object.entries(options).flatMap(([name, value]) => [name, String(value)]),
      ],
      env: baseEnvironment(process.env),
      cwd: site.dataDir,
    }),
    probe: (signal) => probeHttp(`http://127.0.0.1:${web}/healthz`, signal),
    stopSignal: 'SIGTERM',
    stopWithinSeconds: 5,
  };
}
