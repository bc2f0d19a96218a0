import type { Service } from '@walpost/kit/config';
import { httpAccess } from '@walpost/kit/contract/http-access';
import { OpenUrl, Port } from '@walpost/kit/environment';
import { Type } from 'typebox';

/** The variables that say where a service is, for `readConfig`. */
export function addressSettings({ port, portVariable, urlVariable }: Service) {
  return { [portVariable]: Port(port, 1), [urlVariable]: Type.Optional(OpenUrl()) };
}

/** Where a service is. @param read the values of those variables */
export function addressOf(
  { portVariable, urlVariable }: Service,
  read: Readonly<Record<string, unknown>>,
): string {
  return httpAccess(String(read[urlVariable] ?? `http://localhost:${read[portVariable]}`)).url;
}
