import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate, type SelfsignedOptions } from 'selfsigned';

const DAY = 86_400_000;

/** A certificate and its private key, both as PEM. */
export interface Identity {
  cert: string;
  key: string;
}

async function make(name: string, options: SelfsignedOptions): Promise<Identity> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - DAY),
    notAfterDate: new Date(Date.now() + DAY),
    ...options,
  });
  return { cert: `${cert}\n`, key };
}

export function makeAuthority(name: string): Promise<Identity> {
  return make(name, {
    extensions: [
      { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
}

/** @param days until it ends; below 0 for one that has ended */
export function makeIdentity(name: string, ca: Identity, host = 'localhost', days = 1): Promise<Identity> {
  return make(name, {
    ca,
    notBeforeDate: new Date(Date.now() - 10 * DAY),
    notAfterDate: new Date(Date.now() + days * DAY),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: host }] },
    ],
  });
}

/** Paths of an identity's files. */
export interface IdentityFiles {
  cert: string;
  key: string;
  /** Both in one, as Kafka takes them. */
  both: string;
}

/** Writes or replaces an identity's files, each at once. */
export async function store(folder: string, name: string, { cert, key }: Identity): Promise<IdentityFiles> {
  await mkdir(folder, { recursive: true });
  const put = async (file: string, text: string) => {
    const path = join(folder, file);
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
    return path;
  };
  return {
    cert: await put(`${name}.crt`, cert),
    key: await put(`${name}.key`, key),
    both: await put(`${name}.pem`, key + cert),
  };
}
