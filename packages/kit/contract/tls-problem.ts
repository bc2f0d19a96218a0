import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import { reason } from './errors.ts';

/** PEM files of a connection, each with the variable that names it. */
export interface PemFiles {
  readonly ca?: PemFile;
  readonly cert?: PemFile;
  readonly key?: PemFile;
}

export interface PemFile {
  readonly variable: string;
  readonly path: string;
}

/** The variables to look at when TLS fails: what chose it, and what says whom to trust and who one is. */
export interface TlsVariables {
  readonly protocol: string;
  readonly ca: string;
  readonly client?: string;
}

/** By code, or by message where a library has handed on no more; written as codes are. */
const UNKNOWN_AUTHORITY =
  /UNABLE_TO_(GET_(LOCAL_)?ISSUER|VERIFY_(THE_FIRST|LEAF))|SELF_SIGNED_CERT|CERT_SIGNATURE_FAILURE/;
const OUT_OF_TIME = /CERT(IFICATE)?_(HAS_EXPIRED|(IS_)?NOT_YET_VALID)/;
const OTHER_NAME = /ERR_TLS_CERT_ALTNAME_INVALID|DOES_NOT_MATCH_CERTIFICATE/;
/** The alerts by which a server refuses the client's certificate, or the lack of one. */
const CLIENT_REFUSED = /ALERT_(CERTIFICATE_|BAD_CERTIFICATE|UNKNOWN_CA|UNSUPPORTED_CERT|HANDSHAKE_FAILURE)/;
const NO_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/;
const ENDED = /BEFORE_SECURE_TLS_CONNECTION_WAS_ESTABLISHED/;

/**
 * What a failed TLS connection means and what to look at, in one line.
 *
 * @returns undefined for an error that has nothing to do with TLS
 */
export function tlsProblem(error: unknown, { ca, client, protocol }: TlsVariables): string | undefined {
  const { code, message, reason: alert } = Object(error) as Record<string, unknown>;
  // OpenSSL's alerts have their name apart, and Node adds an advice of its own.
  const text = String(alert ?? message ?? '').replace(/; if the root CA .*$/s, '');
  const said = `${code} ${text.replaceAll(/[ -]/g, '_').toUpperCase()}`;
  if (UNKNOWN_AUTHORITY.test(said))
    return `its certificate is signed by nobody who is trusted here (${text}); is ${ca} right?`;
  if (OUT_OF_TIME.test(said)) return `its certificate is out of its time (${text})`;
  if (OTHER_NAME.test(said)) return `its certificate is for another name (${text})`;
  if (CLIENT_REFUSED.test(said) && client)
    return `it refuses the certificate of this client, or the lack of one (${text}); is ${client} right?`;
  if (NO_TLS.test(said)) return `it does not speak TLS; is ${protocol} right?`;
  if (ENDED.test(said)) return `it closed the connection before TLS was agreed on; is ${protocol} right?`;
  return undefined;
}

/**
 * Reads certificates and a key from where they are now: what was renewed is used for the next connection.
 *
 * @throws an Error that names in one line the variable and the file that cannot be used
 */
export function readPemFiles({ ca, cert, key }: PemFiles): SecureContext {
  const [authorities, certificate] = [ca, cert].map((file) => file && readCertificate(file));
  const keyText = key && readPem(key);
  try {
    return createSecureContext({
      ...(authorities && { ca: authorities }),
      ...(certificate && { cert: certificate }),
      ...(keyText && { key: keyText }),
    });
  } catch (error) {
    const named = [cert, key].flatMap((file) => (file ? [`${file.variable} (${file.path})`] : []));
    throw new Error(`${named.join(' and ')} cannot be used: ${reason(error)}`, { cause: error });
  }
}

/** Node takes a file without any certificate for one with no authorities, and then trusts nobody. */
function readCertificate(file: PemFile): string {
  const text = readPem(file);
  try {
    new X509Certificate(text);
  } catch (error) {
    throw new Error(`${file.variable}: ${file.path} has no certificate in it (${reason(error)})`, {
      cause: error,
    });
  }
  return text;
}

function readPem({ variable, path }: PemFile): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`${variable}: ${path} cannot be read (${code})`, { cause: error });
  }
}
