import { runService } from '@walpost/kit/service/run-service';
import { Type } from 'typebox';
import system from '../../walpost.config.ts';
import { buildApp } from './app.ts';
import { createMailer } from './mailer.ts';
import { onOrderEvent } from './on-order-event.ts';
import { SENDER_CONNECTIONS, startSender } from './start-sender.ts';

await runService(
  system,
  'notification',
  ({ open, openForRequests, clock, env, logger, defer }) => {
    const mailer = createMailer(env.SMTP_URL, env.MAIL_FROM, SENDER_CONNECTIONS);
    defer('mailer', mailer.close);
    const sender = startSender({ db: open('worker', 4), mailer, clock: clock.now, logger });
    defer('sender', sender.close);
    const reads = openForRequests('reads', 2);
    return {
      on: onOrderEvent(clock.now),
      onHandled: sender.wake,
      // A mail server that is away is not among the checks: the e-mails wait.
      buildApp: (readiness) => buildApp({ db: reads, logger, readiness }),
    };
  },
  {
    SMTP_URL: Type.String({ default: 'smtp://localhost:1025', pattern: '^smtps?://' }),
    MAIL_FROM: Type.String({ default: 'orders@walpost.local', minLength: 3 }),
  },
);
