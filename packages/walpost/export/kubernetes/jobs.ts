import { createHash } from 'node:crypto';
import { type Program, podTemplate, postgresAccess } from './program.ts';
import { type Resource, resource, type Scope } from './resource.ts';
import { databaseUrls, plain, registryUser, secretsOf } from './secrets.ts';

const WEEK_SECONDS = 604_800;

/** What runs before the services of a release: the migration of each database, and the schemas of the events. */
export function jobs(scope: Scope): Resource[] {
  const { system, target } = scope;
  const migrations = system.services.map((service) => {
    const { name } = service;
    return job(scope, {
      name: `migrate-${name}`,
      image: target.toolsImage,
      args: [target.programs.walpost, 'migrate', name],
      env: [...postgresAccess(target), ...databaseUrls([service]), ...secretsOf(system, `migrate-${name}`)],
      memory: '192Mi',
      authorities: ['postgres'],
    });
  });
  const schemas = job(scope, {
    name: 'register-schemas',
    image: target.toolsImage,
    args: [target.programs.walpost, 'schemas', 'register', '--wait', '120'],
    env: [plain('SCHEMA_REGISTRY_URL', target.registryUrl), ...registryUser('writer')],
    memory: '192Mi',
    authorities: [],
  });
  return [...migrations, schemas];
}

/** A Job cannot be changed: one that does something else, of another image for example, has another name. */
function job(scope: Scope, program: Program): Resource {
  const spec = {
    backoffLimit: 10,
    ttlSecondsAfterFinished: WEEK_SECONDS,
    template: podTemplate(scope, program, {}, { restartPolicy: 'OnFailure' }),
  };
  const version = createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 8);
  return resource(scope, 'Job', `${program.name}-${version}`, spec);
}
