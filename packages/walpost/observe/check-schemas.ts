import { compare } from '@walpost/kit/contract/compatibility';
import type { EventType } from '@walpost/kit/contract/contract';
import type { RegisteredVersion, Registry } from '@walpost/kit/contract/registry';

/** How an event of the contract compares with the registry. */
export interface SchemaFinding {
  readonly event: EventType;
  readonly versions: readonly RegisteredVersion[];
  readonly state: 'new' | 'registered' | 'changed' | 'incompatible';
  /** What breaks, one line each; only when incompatible. */
  readonly violations: readonly string[];
}

/**
 * Compares every event with all versions that the registry has of it (FULL_TRANSITIVE).
 * @throws RegistryError
 */
export function checkSchemas(registry: Registry, events: readonly EventType[]): Promise<SchemaFinding[]> {
  return Promise.all(events.map((event) => checkSchema(registry, event)));
}

async function checkSchema(registry: Registry, event: EventType): Promise<SchemaFinding> {
  const versions = await registry.versions(event.subject);
  const violations = versions.flatMap(({ version, schema }) =>
    compare(schema, event.schema, `version ${version}`).map(({ message }) => message),
  );
  if (violations.length > 0) return { event, versions, state: 'incompatible', violations };
  if (versions.length === 0) return { event, versions, state: 'new', violations };
  const known = await registry.isRegistered(event);
  return { event, versions, state: known ? 'registered' : 'changed', violations };
}
