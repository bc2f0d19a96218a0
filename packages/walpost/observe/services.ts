import type { System } from '@walpost/kit/config';
import type { ObservedService } from './observed-service.ts';

/** What the role `observer` looks at in each service's database. */
export function observedServices({ services }: System): ObservedService[] {
  return services.map(({ name, group, database, consumes, publishes, sample, observe }) => ({
    name: group,
    shortName: name,
    database,
    consumes,
    ...(publishes && { publishes }),
    intake: sample !== undefined,
    ...observe,
  }));
}

/** The topics that the services write. */
export function publishedTopics({ services }: System): string[] {
  return services.flatMap(({ publishes }) => publishes?.topic ?? []);
}

/** The groups of the services that read something. */
export function consumerGroups({ services }: System): string[] {
  return services.filter(({ consumes }) => consumes.length > 0).map(({ group }) => group);
}
