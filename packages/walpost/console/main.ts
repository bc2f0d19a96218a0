import { connectAccess } from '@walpost/kit/api-access';
import {
  connectSettings,
  eventSettings,
  Port,
  readConfig,
  Secret,
  serviceSettings,
} from '@walpost/kit/environment';
import { kafkaAccess } from '@walpost/kit/kafka/kafka-access';
import { databaseOf } from '@walpost/kit/postgres/server-of';
import { runMain, runProcess } from '@walpost/kit/service/lifecycle';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { Type } from 'typebox';
import { createKafkaView } from '../observe/kafka-view.ts';
import { openObserved } from '../observe/open-observed.ts';
import { publishedTopics } from '../observe/services.ts';
import { loadProject } from '../project.ts';
import { addressOf, addressSettings } from '../service-address.ts';
import { buildApp } from './app.ts';
import { createDeadLetterActions } from './dead-letter-actions.ts';
import { createSampleLoad } from './sample-load.ts';
import { startConsole } from './start-console.ts';

const NAME = 'console';

await runMain(async () => {
  const { system } = await loadProject(process.cwd());
  const intake = system.services.find(({ sample }) => sample);
  const config = readConfig(
    {
      ...serviceSettings,
      ...eventSettings,
      ...connectSettings,
      CONSOLE_PORT: Port(3100),
      OBSERVER_PASSWORD: Secret(),
      DLQ_OPERATOR_PASSWORD: Type.Optional(Type.String()),
      CONSOLE_TOKEN: Type.Optional(Type.String({ minLength: 8 })),
      CONSOLE_HOSTS: Type.String({ default: '', pattern: '^[A-Za-z0-9.:, \\[\\]-]*$' }),
      CONSOLE_TRACE_URL: Type.Optional(Type.String({ pattern: '^https?://.*\\{traceId\\}' })),
    },
    process.env,
  );
  const addresses = readConfig(intake ? addressSettings(intake) : {}, process.env);
  const logger = createLogger(NAME, config.LOG_LEVEL);
  const servers = Object.fromEntries(
    system.services.map((service) => [service.name, databaseOf(service, process.env).server]),
  );

  await runProcess(logger, async (defer) => {
    const { observed, close } = openObserved({
      system,
      servers,
      password: config.OBSERVER_PASSWORD,
      applicationName: NAME,
    });
    defer('databases', close);
    const kafka = createKafkaView('walpost-console', kafkaAccess(config), publishedTopics(system));
    defer('Kafka', kafka.close);
    const load = intake?.sample && createSampleLoad(addressOf(intake, addresses), intake.sample);
    if (load) defer('sample load', load.close);
    const { DLQ_OPERATOR_PASSWORD: password, CONSOLE_TOKEN: token } = config;
    const deadLetterActions =
      password && token ? createDeadLetterActions(system, { servers, password }) : undefined;
    if (deadLetterActions) defer('dead-letters', deadLetterActions.close);
    const parts = startConsole({
      observed,
      kafka,
      connect: connectAccess(config),
      token,
      load,
      deadLetterActions,
      traceUrl: config.CONSOLE_TRACE_URL ?? null,
      scenario: system.scenario ?? null,
      logger,
    });
    defer('picture', parts.close);
    const hosts = config.CONSOLE_HOSTS.split(/[, ]+/).filter((name) => name !== '');
    const app = await buildApp(parts, { logger, readiness: {}, hosts });
    defer('http', () => app.close());
    await app.listen({ host: config.HOST, port: config.CONSOLE_PORT });
  });
});
