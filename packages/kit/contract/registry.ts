import registryClient from '@kafkajs/confluent-schema-registry';
import avro, { type Type } from 'avsc';
import pTimeout from 'p-timeout';
import type { SchemaSource } from './codec.ts';
import type { EventType } from './contract.ts';
import { RegistryError, reason } from './errors.ts';
import { agentOf, authorization, type HttpAccess, httpProblem } from './http-access.ts';
import { createRegistryHttp, type RegisteredVersion, unauthorized } from './registry-http.ts';

export type { RegisteredVersion } from './registry-http.ts';

/** The schema registry; every method rejects with RegistryError. */
export interface Registry extends SchemaSource {
  /** The id of exactly this event's schema; `not-found` when it is not registered under its subject. */
  idOf(event: EventType): Promise<number>;
  /** Whether exactly this event's schema is registered under its subject. */
  isRegistered(event: EventType): Promise<boolean>;
  /** Registers the event's schema (once more is no harm) and answers its id. */
  register(event: EventType): Promise<number>;
  /** All versions of a subject, oldest first; none when the subject does not exist. */
  versions(subject: string): Promise<RegisteredVersion[]>;
  subjects(): Promise<string[]>;
  /** The rule that new versions of a subject must keep, e.g. `FULL_TRANSITIVE`; undefined when it has none. */
  compatibility(subject: string): Promise<string | undefined>;
  /** Makes the subject FULL_TRANSITIVE; the subject need not exist yet. */
  setCompatibility(subject: string): Promise<void>;
}

export interface RegistryOptions extends HttpAccess {
  /** Address of the Confluent API, e.g. `http://localhost:8081/apis/ccompat/v7`. */
  readonly url: string;
  /** Name in the registry's access log. */
  readonly clientId?: string;
  /** How long one request may take; 5000 by default. */
  readonly timeoutMs?: number;
}

const { COMPATIBILITY, SchemaRegistry, SchemaType } = registryClient;

/** Connects to nothing yet: the first request does. */
export function createRegistry({
  clientId = 'walpost',
  timeoutMs = 5000,
  ...given
}: RegistryOptions): Registry {
  const host = given.url.replace(/\/+$/, '');
  const access: HttpAccess = { ...given, url: host };
  const http = createRegistryHttp(access, timeoutMs);

  // A client for each request: the library shares a pending look-up by id, and one that hangs would hang for ever.
  const client = () => {
    const agent = agentOf(access);
    return new SchemaRegistry({
      host,
      clientId,
      ...(agent && { agent }),
      retry: { retries: 2 },
      middlewares: [
        () => ({
          prepareRequest: async (next) =>
            (await next()).enhance({ timeout: timeoutMs, headers: authorization(access) }),
        }),
      ],
    });
  };

  /** Runs a request of the library, whose errors do not distinguish "not there" from "not a registry". */
  async function ask<T>(
    what: string,
    request: (api: InstanceType<typeof SchemaRegistry>) => Promise<T>,
  ): Promise<T> {
    try {
      const message = `no answer within ${3 * timeoutMs} ms`;
      return await pTimeout(request(client()), { milliseconds: 3 * timeoutMs, message });
    } catch (error) {
      const status = error instanceof Error && 'status' in error ? error.status : undefined;
      const text = reason(error)
        .replace(`${clientId} - `, '')
        .replace(/^Error, status \d+: /, '');
      if (status === 404 || isNotFound(error)) {
        await http.subjects();
        throw new RegistryError('not-found', `${what}: ${text}`, { cause: error });
      }
      if (status === 401) throw unauthorized(access, error);
      if (status === 409 || status === 422)
        throw new RegistryError('rejected', `${what}: ${text}`, { cause: error });
      // The library hands on the message of a connection's error, and no code.
      const why = httpProblem(access, { message: text });
      throw new RegistryError('unavailable', `schema registry at ${host}: ${what}: ${why}`, {
        cause: error,
      });
    }
  }

  return {
    async schemaOf(id) {
      const schema: unknown = await ask(`schema id ${id}`, (api) => api.getSchema(id));
      // A schema of another format, or one that the library could not make sense of.
      if (!avro.Type.isType(schema))
        throw new RegistryError('not-avro', `schema id ${id} is not an Avro schema`);
      return schema as Type;
    },
    idOf,
    async isRegistered(event) {
      try {
        await idOf(event);
        return true;
      } catch (error) {
        if (error instanceof RegistryError && error.code === 'not-found') return false;
        throw error;
      }
    },
    async register(event) {
      const { id } = await ask(`registering ${event.subject}`, (api) =>
        api.register(confluent(event), {
          subject: event.subject,
          compatibility: COMPATIBILITY.FULL_TRANSITIVE,
        }),
      );
      return id;
    },
    versions: http.versions,
    subjects: http.subjects,
    compatibility: http.compatibility,
    setCompatibility: http.setCompatibility,
  };

  function idOf(event: EventType): Promise<number> {
    return ask(`${event.name} is not registered under ${event.subject}`, (api) =>
      api.getRegistryIdBySchema(event.subject, confluent(event)),
    );
  }

  function confluent(event: EventType) {
    return { type: SchemaType.AVRO as typeof SchemaType.AVRO, schema: JSON.stringify(event.schema) };
  }
}

/** `getRegistryIdBySchema` wraps a 404 into an error that has lost its status. */
function isNotFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConfluentSchemaRegistryError';
}
