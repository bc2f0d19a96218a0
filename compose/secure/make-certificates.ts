import { X509Certificate } from 'node:crypto';
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate, type SelfsignedOptions } from 'selfsigned';

/**
 * Makes a certificate authority and a certificate for each server, into folders that only that server mounts. Run again,
 * it keeps what is good for another month and makes the rest again.
 *
 *   node make-certificates.js FOLDER
 */
const [folder = '.'] = process.argv.slice(2);

const DAY = 86_400_000;

/** A server, the names under which it is reached, and the user of its image that must read the key. */
const servers = [
  { name: 'kafka', hosts: ['kafka', 'localhost'], uid: 1000 },
  { name: 'postgres', hosts: ['postgres', 'localhost'], uid: 999 },
  { name: 'gateway', hosts: ['gateway', 'localhost'], uid: 1000 },
];

/** A certificate and its private key, both as PEM. */
interface Identity {
  cert: string;
  key: string;
}

/** Makes an identity that is good for so many days, and from yesterday on for a clock that is behind. */
async function make(name: string, days: number, options: SelfsignedOptions): Promise<Identity> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - DAY),
    notAfterDate: new Date(Date.now() + days * DAY),
    ...options,
  });
  return { cert: `${cert}\n`, key };
}

/** What was made before and is good for another month. */
async function kept(name: string): Promise<Identity | undefined> {
  try {
    const cert = await readFile(join(folder, name, 'certificate.pem'), 'utf8');
    const key = await readFile(join(folder, name, 'key.pem'), 'utf8');
    const ends = new X509Certificate(cert).validToDate;
    return ends.getTime() > Date.now() + 30 * DAY ? { cert, key } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes a key, its certificate, and both in one file, which is what Kafka takes. */
async function store(name: string, uid: number, { cert, key }: Identity): Promise<void> {
  await mkdir(join(folder, name), { recursive: true });
  const files = {
    'key.pem': key,
    'both.pem': key + cert,
    // Last: what says that this folder is complete.
    'certificate.pem': cert,
  };
  for (const [file, text] of Object.entries(files)) {
    await writeFile(join(folder, name, file), text, { mode: 0o600 });
    await chown(join(folder, name, file), uid, uid);
  }
}

let authority = await kept('authority');
if (!authority) {
  authority = await make('Walpost local authority', 3650, {
    extensions: [
      { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  await store('authority', 0, authority);
}
await mkdir(join(folder, 'public'), { recursive: true });
await writeFile(join(folder, 'public', 'root.crt'), authority.cert, { mode: 0o644 });

const issuer = new X509Certificate(authority.cert);
for (const { name, hosts, uid } of servers) {
  const before = await kept(name);
  const isKept = before !== undefined && new X509Certificate(before.cert).verify(issuer.publicKey);
  const identity = isKept
    ? before
    : await make(name, 365, {
        ca: authority,
        extensions: [
          { name: 'basicConstraints', cA: false },
          { name: 'keyUsage', digitalSignature: true, critical: true },
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          { name: 'subjectAltName', altNames: hosts.map((value) => ({ type: 2, value })) },
        ],
      });
  if (!isKept) await store(name, uid, identity);
  const ends = new X509Certificate(identity.cert).validToDate.toISOString().slice(0, 10);
  console.log(`${name}: ${isKept ? 'kept' : 'made'}, good until ${ends}`);
}
