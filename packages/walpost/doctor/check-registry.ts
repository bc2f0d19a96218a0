import { RegistryError } from '@walpost/kit/contract/errors';
import { createRegistry, type Registry } from '@walpost/kit/contract/registry';
import { type Check, fail, ok, warn } from '../check.ts';
import type { Config } from '../config.ts';
import { checkSchemas, type SchemaFinding } from '../observe/check-schemas.ts';
import { START } from '../observe/diagnose-group.ts';

const WANTED = 'FULL_TRANSITIVE';

/** The registry, and whether each schema of the contract is registered and its subject guarded. */
export async function checkRegistry({ system, registry: access }: Config): Promise<Check[]> {
  const what = 'schema registry';
  const registry = createRegistry({ ...access, clientId: 'walpost-doctor', timeoutMs: 3_000 });
  try {
    const subjects = await registry.subjects();
    const findings = await checkSchemas(registry, system.contract.eventTypes);
    const schemas = await Promise.all(findings.map((finding) => diagnoseSchema(registry, finding)));
    return [ok(what, `${access.url}, ${subjects.length} subjects`), ...schemas];
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    // Its messages name the address.
    return [fail(what, error.message, ...(error.retryable ? [START] : []))];
  }
}

async function diagnoseSchema(
  registry: Registry,
  { event, versions, state, violations }: SchemaFinding,
): Promise<Check> {
  const what = `schema ${event.name}`;
  const register = 'npx walpost schemas register';
  if (state === 'incompatible')
    return fail(what, `it breaks what is registered: ${violations.join('; ')}`, 'npx walpost schemas check');
  if (state === 'new') return fail(what, 'it is not registered: no service can write it', register);
  const level = await registry.compatibility(event.subject);
  if (level !== WANTED)
    return warn(what, `compatibility is ${level ?? 'not set'}, and not ${WANTED}`, register);
  if (state === 'changed') return warn(what, 'this project has another version than is registered', register);
  return ok(what, `${versions.length === 1 ? '1 version' : `${versions.length} versions`}, ${level}`);
}
