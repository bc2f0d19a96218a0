import { createServer } from 'node:net';
import type { PortUse } from './settings.ts';
import { codeOf, StackError } from './stack-error.ts';

/** Whether a port is free on every loopback address of this machine. */
export async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, '127.0.0.1')) && (await canListen(port, '::1'));
}

/** Throws a StackError with a line for each port that is taken, naming the variable that changes it. */
export async function requireFreePorts(uses: readonly PortUse[]): Promise<void> {
  const lines: string[] = [];
  for (const { component, port, variable, example } of uses) {
    if (await isFree(port)) continue;
    lines.push(
      `Port ${port} is taken (needed by ${component}). Set ${variable}=${example} in .env, or stop what listens there.`,
    );
  }
  if (lines.length > 0) throw new StackError(lines.join('\n'));
}

function canListen(port: number, host: string): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const code = codeOf(error);
      if (code === 'EADDRINUSE') resolve(false);
      else if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')
        resolve(true); // no IPv6 here
      else reject(new StackError(`Cannot listen on port ${port}: ${error.message}`));
    });
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
