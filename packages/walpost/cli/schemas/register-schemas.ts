import type { EventType } from '@walpost/kit/contract/contract';
import type { Registry } from '@walpost/kit/contract/registry';
import { CliError } from '../../cli-error.ts';
import { checkSchemas } from '../../observe/check-schemas.ts';

export interface Registration {
  readonly subject: string;
  readonly version: number | undefined;
  readonly id: number;
  readonly outcome: 'registered' | 'new version' | 'unchanged';
}

/**
 * Registers the whole contract, or nothing: one incompatible event refuses them all.
 * @throws CliError naming every field that breaks a rule; RegistryError
 */
export async function registerSchemas(
  registry: Registry,
  events: readonly EventType[],
): Promise<Registration[]> {
  const findings = await checkSchemas(registry, events);
  const broken = findings.flatMap(({ violations }) => violations);
  if (broken.length > 0) {
    throw new CliError(`nothing was registered, ${broken.length} incompatible:\n  ${broken.join('\n  ')}`);
  }
  const registrations: Registration[] = [];
  for (const { event, versions } of findings) {
    const { subject } = event;
    // Before the first version: a registry applies its global level to a subject that has none of its own.
    await registry.setCompatibility(subject);
    const id = await registry.register(event);
    const known = versions.some((version) => version.id === id);
    const version = (await registry.versions(subject)).find((each) => each.id === id)?.version;
    const outcome = known ? 'unchanged' : versions.length === 0 ? 'registered' : 'new version';
    registrations.push({ subject, version, id, outcome });
  }
  return registrations;
}
