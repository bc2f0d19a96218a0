import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import { readPemFiles, type TlsVariables, tlsProblem } from '../contract/tls-problem.ts';
import type { KafkaAccess, TlsFiles } from './kafka-access.ts';

/** As kafkajs's own sockets, ms. */
const KEEP_ALIVE_AFTER = 60_000;
/** As long as a broker keeps a connection on which nothing moves, ms (connections.max.idle.ms). */
const SILENT_FOR = 600_000;

const VARIABLES: TlsVariables = {
  protocol: 'KAFKA_SECURITY_PROTOCOL',
  ca: 'KAFKA_CA_FILE, or NODE_EXTRA_CA_CERTS,',
  client: 'KAFKA_CERT_FILE',
};
/** How a TLS server answers what is no TLS: an alert, of some version 3. */
const TLS_ALERT = [0x15, 0x03];

/** Makes the sockets of a client: it reads certificates for each, and what goes wrong on one says what to look at. */
export function socketOpener(ssl: KafkaAccess['ssl']): ISocketFactory {
  return ({ host: written, port, onConnect }) => {
    // kafkajs takes what is before the first colon for the host, so createKafka writes those of an address in another way.
    const host = decodeURIComponent(written);
    const socket = ssl ? openTls(host, port, ssl, onConnect) : openPlain(host, port, onConnect);
    // kafkajs forgets a connection on which a broker has not answered, and leaves it open.
    return socket.setKeepAlive(true, KEEP_ALIVE_AFTER).setTimeout(SILENT_FOR, () => socket.destroy());
  };
}

function openTls(host: string, port: number, ssl: true | TlsFiles, onConnect: () => void): Socket {
  const server = { host, port, ...(!isIP(host) && { servername: host }) };
  const socket = connectTls({ ...server, ...(ssl !== true && { secureContext: contextOf(ssl) }) }, onConnect);
  // kafkajs has the message in its log lines and its errors, and listens behind this.
  socket.on('error', (error) => {
    error.message = tlsProblem(error, VARIABLES) ?? error.message;
  });
  return socket;
}

function contextOf({ ca, client }: TlsFiles) {
  return readPemFiles({
    ...(ca && { ca: { variable: 'KAFKA_CA_FILE', path: ca } }),
    ...(client && {
      cert: { variable: 'KAFKA_CERT_FILE', path: client.cert },
      key: { variable: 'KAFKA_KEY_FILE', path: client.key },
    }),
  });
}

function openPlain(host: string, port: number, onConnect: () => void): Socket {
  const socket = connect({ host, port }, onConnect);
  socket.once('data', (first) => {
    if (TLS_ALERT.every((byte, at) => first[at] === byte))
      socket.destroy(new Error(`it speaks TLS; is ${VARIABLES.protocol} right?`));
  });
  return socket;
}
