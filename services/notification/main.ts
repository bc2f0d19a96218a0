import { Port, readConfig, Secret } from '@walpost/kit/config';
import { consumerServiceSettings, runConsumerService } from '@walpost/kit/service/consumer-service';
import { runMain } from '@walpost/kit/service/lifecycle';
import { Type } from 'typebox';
import { contract } from '../../schemas/contract.generated.ts';
import { buildApp } from './app.ts';
import { createMailer } from './mailer.ts';
import { onOrderEvent } from './on-order-event.ts';
import { SENDER_CONNECTIONS, startSender } from './start-sender.ts';

await runMain(async () => {
  const config = readConfig(
    {
      ...consumerServiceSettings,
      NOTIFICATION_PORT: Port(3003),
      NOTIFICATIONS_PASSWORD: Secret(),
      SMTP_URL: Type.String({ default: 'smtp://localhost:1025', pattern: '^smtps?://' }),
      MAIL_FROM: Type.String({ default: 'orders@walpost.local', minLength: 3 }),
    },
    process.env,
  );

  await runConsumerService(
    {
      contract,
      name: 'notification-service',
      database: 'notifications',
      password: config.NOTIFICATIONS_PASSWORD,
      port: config.NOTIFICATION_PORT,
      consumes: ['order-events'],
      backlog: 'emails',
      settings: config,
    },
    ({ open, openForRequests, clock, logger, defer }) => {
      const mailer = createMailer(config.SMTP_URL, config.MAIL_FROM, SENDER_CONNECTIONS);
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
  );
});
