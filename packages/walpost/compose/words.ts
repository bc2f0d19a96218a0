import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { System } from '@walpost/kit/config';
import { packageDir } from '../program-of.ts';
import { formerSecrets, kafkaPassword, secretNames } from '../stack/secrets.ts';
import type { Words } from './fill.ts';

/** The text of a template. */
export function template(name: string): string {
  return readFileSync(join(packageDir, 'compose/template', name), 'utf8');
}

/** What a configuration says to the templates. */
export function wordsOf(system: System): Words {
  const services = system.services.map((service, at) => ({
    name: service.name,
    group: service.group,
    main: service.main,
    database: service.database,
    port: service.port,
    portVariable: service.portVariable,
    urlVariable: service.urlVariable,
    passwordVariable: service.passwordVariable,
    kafkaPasswordVariable: kafkaPassword(service),
    publishes: service.publishes !== undefined,
    sample: service.sample !== undefined,
    // Whoever has an image of its own for the services builds it once.
    first: at === 0,
  }));
  return {
    system: system.name,
    mail: system.mail,
    services,
    publishers: services.filter(({ publishes }) => publishes),
    intake: services.filter(({ sample }) => sample).slice(0, 1),
    secrets: secretNames(system).map((name) => ({ name })),
    formerSecrets: Object.entries(formerSecrets).map(([former, name]) => ({ former, name })),
  };
}
