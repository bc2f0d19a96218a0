import { setMaxListeners } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { rewriteFrames } from './rewrite-frames.ts';

/**
 * - `open`: passes everything on at once
 * - `cut`: connections are reset, new ones too
 * - `stall`: nothing is passed on, and nobody is notified; what was sent arrives afterwards
 * - `delay`: everything takes so many ms longer, each way
 */
export type Behaviour = { kind: 'open' | 'cut' | 'stall' } | { kind: 'delay'; milliseconds: number };

/** A TCP proxy between one part and one server. */
export interface Link {
  readonly port: number;
  behave(behaviour: Behaviour): void;
  close(): Promise<void>;
}

/**
 * Listens on a free port of the loopback address for connections to a port there.
 *
 * @param broker when the server is a Kafka broker: the host that it tells clients to connect to, which is rewritten to
 * the proxy
 */
export async function openLink(target: number, broker?: string): Promise<Link> {
  let behaviour: Behaviour = { kind: 'open' };
  const sockets = new Set<Socket>();
  let changed = changeable();

  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (behaviour.kind === 'cut') return void client.resetAndDestroy();
    const upstream = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      const other = socket === client ? upstream : client;
      // What one side does the other one learns; that it does so is no error here.
      socket.on('error', () => other.resetAndDestroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroySoon();
      });
    }
    pass(client, upstream, (chunk) => chunk);
    pass(upstream, client, broker === undefined ? (chunk) => chunk : rewriteFrames(broker, target, own()));
  });
  const own = () => portOf(server);

  /** Passes bytes on in their order, each chunk when the link lets it. */
  function pass(from: Socket, to: Socket, change: (chunk: Buffer) => Buffer): void {
    let last = Promise.resolve();
    const inTurn = (step: () => void, arrived: number) => {
      last = last.then(() => passage(arrived)).then(step);
    };
    from.on('data', (chunk: Buffer) => {
      from.pause();
      inTurn(() => {
        const bytes = change(chunk);
        if (!to.destroyed && bytes.length > 0) to.write(bytes);
        from.resume();
      }, Date.now());
    });
    from.on('end', () => inTurn(() => void to.end(), Date.now()));
  }

  async function passage(arrived: number): Promise<void> {
    while (behaviour.kind === 'stall')
      await wait(60_000, undefined, { signal: changed.signal }).catch(() => undefined);
    if (behaviour.kind !== 'delay') return;
    const left = arrived + behaviour.milliseconds - Date.now();
    if (left > 0) await wait(left, undefined, { signal: changed.signal }).catch(() => undefined);
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: own(),
    behave(next) {
      behaviour = next;
      changed.abort();
      changed = changeable();
      if (next.kind === 'cut') for (const socket of sockets) socket.resetAndDestroy();
    },
    async close() {
      behaviour = { kind: 'cut' };
      changed.abort();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Every chunk that is held up waits for it. */
function changeable(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
  return address.port;
}
