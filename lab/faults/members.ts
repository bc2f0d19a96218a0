import { createServer } from 'node:net';
import { eventually } from './eventually.ts';
import type { Lab } from './lab.ts';
import type { Service } from './plan.ts';

/** How long a further process may take to serve, s. */
const TIMEOUT_S = 240;

/**
 * Starts one more process of a service, a member of its group. What it needs may be away just now: it is tried again
 * until it serves.
 */
export async function startMember(
  { stack, members, viewOf }: Lab,
  service: Service,
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  await eventually(`starting ${name}`, TIMEOUT_S, async () => {
    if (members.has(name)) await stack.start(name);
    else {
      members.add(name);
      const port = await freePort();
      const own = { ...viewOf(service), ...env, [`${service.toUpperCase()}_PORT`]: String(port) };
      await stack.spawn(name, `dist/${service}/main.js`, port, own);
    }
    return true;
  });
}

/** Kills such a process, and has it stay away. */
export async function endMember({ stack }: Lab, name: string): Promise<void> {
  if (stack.pid(name) !== undefined) await stack.kill(name);
  await stack.stop(name);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
