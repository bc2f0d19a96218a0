import type { ConnectionOptions } from 'node:tls';
import type { SslMode } from '../environment.ts';

/** Where a Postgres server is, and whether to speak TLS with it. */
export interface PostgresServer {
  host: string;
  port: number;
  /**
   * `disable` when not given. `require` encrypts and believes every certificate, `verify-ca` wants one of an authority that
   * is trusted, `verify-full` one of this host.
   */
  sslMode?: SslMode;
  /**
   * A pooler is there that gives each transaction another session: nothing of a session is relied on, and what it would set
   * its role has (`walpost migrate`).
   */
  pooler?: boolean;
  /** Certificates, PEM, of the authorities that are trusted; Node's when not given. */
  ca?: string;
}

/** What TLS checks of a server; undefined where it is not spoken. */
export function tlsOptions({ sslMode = 'disable', ca }: PostgresServer): ConnectionOptions | undefined {
  if (sslMode === 'disable') return undefined;
  if (sslMode === 'require') return { rejectUnauthorized: false };
  return {
    ...(ca !== undefined && { ca }),
    ...(sslMode === 'verify-ca' && { checkServerIdentity: () => undefined }),
  };
}
