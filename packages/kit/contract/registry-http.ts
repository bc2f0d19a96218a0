import { RegistryError } from './errors.ts';
import { askHttp, type HttpAccess, parseJson } from './http-access.ts';

/** One registered version of a subject. */
export interface RegisteredVersion {
  readonly version: number;
  readonly id: number;
  /** The parsed schema. */
  readonly schema: unknown;
}

/** What a registry that asks who one is answers to a stranger; somebody has to fix a setting. */
export function unauthorized({ url, token }: HttpAccess, cause?: unknown): RegistryError {
  const what = token
    ? 'the token; is SCHEMA_REGISTRY_TOKEN right?'
    : 'the user or the password; are SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD right?';
  return new RegistryError('unavailable', `schema registry at ${url} refuses ${what}`, { cause });
}

/**
 * The parts of the Confluent API that the registry library does not have.
 * @param access its address, without a slash at the end, and how to log in there
 * @param timeoutMs for one request, body included
 */
export function createRegistryHttp(access: HttpAccess, timeoutMs: number) {
  const { url } = access;
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  const unavailable = (error: Error) =>
    new RegistryError('unavailable', `schema registry at ${url}: ${error.message}`, { cause: error });

  /** The parsed answer, or undefined when the registry says that there is no such thing. */
  async function request(path: string, body?: unknown): Promise<unknown> {
    const method = body === undefined ? 'GET' : 'PUT';
    const asked = askHttp(access, path, timeoutMs, { method, headers, body });
    const {
      status,
      text,
      json: answer,
    } = await asked.catch((error: Error) => {
      throw unavailable(error);
    });
    if (status === 401) {
      throw unauthorized(access);
    }
    if (status >= 500) throw unavailable(new Error(`${path} answered ${status}`));
    if (status < 400 && answer !== undefined) return answer;
    const { error_code: code, message } = (answer ?? {}) as { error_code?: unknown; message?: unknown };
    if (status === 404 && typeof code === 'number' && code !== 404) return undefined;
    if (typeof code === 'number' && status !== 404) {
      throw new RegistryError(
        'rejected',
        `schema registry at ${url}: ${path} answered ${status}: ${message}`,
      );
    }
    throw notARegistry(path, `${status}, ${text.slice(0, 60).replaceAll(/\s+/g, ' ')}`);
  }

  function notARegistry(path: string, answer: string): RegistryError {
    return new RegistryError(
      'invalid-answer',
      `no schema registry at ${url}: ${path} answered ${answer}; set SCHEMA_REGISTRY_URL to its Confluent API`,
    );
  }

  return {
    async subjects(): Promise<string[]> {
      const answer = await request('/subjects');
      if (!Array.isArray(answer))
        throw notARegistry('/subjects', JSON.stringify(answer)?.slice(0, 60) ?? '404');
      return answer.map(String).sort();
    },

    async versions(subject: string): Promise<RegisteredVersion[]> {
      const path = `/subjects/${encodeURIComponent(subject)}/versions`;
      const numbers = await request(path);
      if (numbers === undefined) return [];
      if (!Array.isArray(numbers)) throw notARegistry(path, JSON.stringify(numbers).slice(0, 60));
      const answers = await Promise.all(numbers.map((number) => request(`${path}/${number}`)));
      // A version deleted between the two requests is not there any more, and that is all.
      return answers
        .filter((answer) => answer !== undefined)
        .map((answer) => {
          const { version, id, schema } = answer as Record<string, unknown>;
          const parsed = typeof schema === 'string' ? parseJson(schema) : undefined;
          if (typeof version !== 'number' || typeof id !== 'number' || parsed === undefined) {
            throw notARegistry(path, JSON.stringify(answer).slice(0, 60));
          }
          return { version, id, schema: parsed };
        })
        .sort((a, b) => a.version - b.version);
    },

    async compatibility(subject: string): Promise<string | undefined> {
      const path = `/config/${encodeURIComponent(subject)}?defaultToGlobal=true`;
      const answer = await request(path);
      if (answer === undefined) return undefined;
      const { compatibilityLevel: level } = answer as { compatibilityLevel?: unknown };
      if (typeof level !== 'string') throw notARegistry(path, JSON.stringify(answer).slice(0, 60));
      return level;
    },

    async setCompatibility(subject: string): Promise<void> {
      const answer = await request(`/config/${encodeURIComponent(subject)}`, {
        compatibility: 'FULL_TRANSITIVE',
      });
      if (answer === undefined) throw notARegistry('/config', '404');
    },
  };
}
