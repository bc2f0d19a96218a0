import type { Bench } from './measurement.ts';

const PORTS = { order: 'ORDER_PORT', payment: 'PAYMENT_PORT', inventory: 'INVENTORY_PORT' };

export interface ServiceProcess {
  /** Of the process, `<measurement>-<service>` when not given: measurements that share a stack must not share it. */
  name?: string;
  /** Which of the stack's spare ports it takes; each service has one of its own when not given. */
  port?: number;
  env?: Readonly<Record<string, string>>;
}

/**
 * Starts a process of a service, and stops it when the measurement is over. Orders may wait for their answers as long
 * as they like: the sweep that cancels overdue ones would be measured with the rest.
 *
 * @returns its base URL
 */
export async function startService(
  { name: measurement, stack, defer }: Bench,
  service: keyof typeof PORTS,
  {
    name = `${measurement}-${service}`,
    port: at = Object.keys(PORTS).indexOf(service),
    env,
  }: ServiceProcess = {},
): Promise<string> {
  const port = stack.sparePorts[at];
  if (port === undefined) throw new Error('the stack has no spare port left');
  await stack.spawn(name, `dist/${service}/main.js`, port, {
    [PORTS[service]]: String(port),
    ORDER_REPLY_WITHIN_S: '86400',
    LOG_LEVEL: 'warn',
    ...env,
  });
  defer(() => stack.stop(name));
  return `http://127.0.0.1:${port}`;
}

/** Starts an alternative's program on a spare port, and stops it when the measurement is over. @returns its base URL */
export async function startProgram(
  { stack, defer }: Bench,
  program: string,
  at: number,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const port = stack.sparePorts[at];
  if (port === undefined) throw new Error('the stack has no spare port left');
  await stack.spawn(program, `dist/alternatives/${program}.js`, port, {
    ...env,
    ALTERNATIVE_PORT: String(port),
  });
  defer(() => stack.stop(program));
  return `http://127.0.0.1:${port}`;
}
