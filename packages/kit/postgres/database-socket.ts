import { once } from 'node:events';
import { connect, isIP, Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type PostgresServer, tlsOptions } from './server.ts';

/** How long a server may take to begin TLS, ms. */
const SECURE_WITHIN = 5_000;
/** How soon the driver sends its startup packet, ms. */
const STARTUP_WITHIN = 100;
/** SSLRequest (PostgreSQL documentation, "Message Formats"): its length, and a number that no protocol version has. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const WILLING = 'S'.charCodeAt(0);

/**
 * Opens a connection that reports its end to the driver (postgres 3.4.9) in a way that it understands; why and until when
 * is in docs/decisions/0017-re-emit-the-sockets-error-on-close.md.
 *
 * - One that is closed politely before the login is taken for nothing: the driver connects again at once and for ever,
 *   while the query waits. A balancer in front of a server that is away does that. So the end is made an error.
 * - Between `error` and `close` the driver goes on giving it statements, and forgets them: they wait until the connection
 *   is made again, and are then answered by the startup messages of the new session; a BEGIN among them would have its
 *   transaction run without one. So the error is emitted again at `close`.
 * - What it is about to write when it hears of `close`, it never writes, nor anything after it. So `close` waits for that.
 *   Where that was too early, the next connection is given up as soon as it fails to send its startup packet.
 * - One whose other end vanished would be waited for as long as TCP does, a quarter of an hour. So its silence ends it.
 *
 * @param silentFor ms without data from the server, or to it, after which the connection is given up
 * @returns never rejects, for the driver would lose the connection's place in its pool; an error comes as an event
 */
export async function openSocket(server: PostgresServer, silentFor: number): Promise<Socket> {
  const plain = connect(server.port, server.host);
  const tls = tlsOptions(server);
  plain.on('end', () => plain.destroy(closed('the server closed the connection')));
  const socket = tls ? await secure(plain, server.host, tls).catch(failing) : plain;
  socket.setTimeout(silentFor, () => socket.destroy(closed(`no data received for ${silentFor} ms`)));
  const startup = setTimeout(() => {
    if (socket.bytesWritten === 0) socket.destroy(closed('startup packet not sent'));
  }, STARTUP_WITHIN);

  let failure: NodeJS.ErrnoException | undefined;
  socket.once('error', (error) => {
    failure = error;
  });
  const emit = socket.emit.bind(socket);
  const end = (hadError: boolean) => {
    clearTimeout(startup);
    if (failure) emit('error', failure);
    emit('close', hadError);
  };
  socket.emit = (event: string | symbol, ...args: unknown[]) => {
    if (event !== 'close') return emit(event, ...args);
    // The driver writes in the phase of `setImmediate`; after an error there, `close` overtakes what it writes next.
    if (failure?.syscall === 'write') setImmediate(end, true);
    else end(args[0] === true);
    return true;
  };
  return socket;
}

/**
 * Has a server begin TLS, and checks what the options want to be checked.
 *
 * @throws what is wrong with either, or that the server does not speak TLS, or not in time
 */
async function secure(plain: Socket, host: string, tls: ConnectionOptions): Promise<Socket> {
  const signal = AbortSignal.timeout(SECURE_WITHIN);
  try {
    plain.write(SSL_REQUEST);
    const [answer] = (await once(plain, 'data', { signal })) as [Buffer];
    // More than one byte would be words that were not encrypted.
    if (answer.length !== 1 || answer[0] !== WILLING)
      throw closed(`the server at ${host} does not speak TLS`);
    const secured = connectTls({
      ...tls,
      socket: plain,
      host,
      ...(isIP(host) === 0 && { servername: host }),
    });
    secured.on('end', () => secured.destroy(closed('the server closed the connection')));
    await once(secured, 'secureConnect', { signal });
    return secured;
  } catch (error) {
    plain.destroy();
    throw signal.aborted
      ? closed(`the server at ${host} did not begin TLS within ${SECURE_WITHIN} ms`)
      : error;
  }
}

/** A connection that fails as soon as the driver listens. */
function failing(error: Error): Socket {
  const socket = new Socket();
  setImmediate(() => socket.destroy(error));
  return socket;
}

function closed(message: string): Error {
  return Object.assign(new Error(message), { code: 'CONNECTION_CLOSED' });
}
