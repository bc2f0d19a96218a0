import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/**
 * Makes a certificate authority and a certificate for each server, into folders that only that server mounts. Run again,
 * it keeps what is good for another month and makes the rest again.
 *
 *   node make-certificates.js FOLDER
 */
const [folder = '.'] = process.argv.slice(2);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const DAY = 86_400_000;

/** A server, the names under which it is reached, and the user of its image that must read the key. */
const servers = [
  { name: 'kafka', hosts: ['kafka', 'localhost'], uid: 1000 },
  { name: 'postgres', hosts: ['postgres', 'localhost'], uid: 999 },
  { name: 'gateway', hosts: ['gateway', 'localhost'], uid: 1000 },
];

interface Authority {
  certificate: X509Certificate;
  privateKey: webcrypto.CryptoKey;
}

const certificateFile = (name: string) => join(folder, name, 'certificate.pem');
const keyFile = (name: string) => join(folder, name, 'key.pem');

async function goodCertificate(name: string): Promise<X509Certificate | undefined> {
  try {
    const certificate = new X509Certificate(await readFile(certificateFile(name), 'utf8'));
    return certificate.notAfter.getTime() > Date.now() + 30 * DAY ? certificate : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes a server's key, its certificate, and both in one file, which is what Kafka takes. */
async function store(
  name: string,
  uid: number,
  certificate: X509Certificate,
  key: webcrypto.CryptoKey,
): Promise<void> {
  const keyText = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
  const certificateText = certificate.toString('pem');
  await mkdir(join(folder, name), { recursive: true });
  const files = {
    [keyFile(name)]: keyText,
    [join(folder, name, 'both.pem')]: `${keyText}\n${certificateText}\n`,
    // Last: what says that this folder is complete.
    [certificateFile(name)]: `${certificateText}\n`,
  };
  for (const [file, text] of Object.entries(files)) {
    await writeFile(file, text, { mode: 0o600 });
    await chown(file, uid, uid);
  }
}

async function authority(): Promise<Authority> {
  const kept = await goodCertificate('authority');
  if (kept) {
    const pem = await readFile(keyFile('authority'), 'utf8');
    const [der] = PemConverter.decode(pem);
    if (!der) throw new Error(`${keyFile('authority')} holds no key`);
    return {
      certificate: kept,
      privateKey: await crypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign']),
    };
  }
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Walpost local authority',
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + 3650 * DAY),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  await store('authority', 0, certificate, keys.privateKey);
  return { certificate, privateKey: keys.privateKey };
}

async function issue(
  { certificate: issuer, privateKey }: Authority,
  { name, hosts, uid }: (typeof servers)[number],
): Promise<void> {
  const kept = await goodCertificate(name);
  if (kept && (await kept.verify({ publicKey: issuer, signatureOnly: true }))) {
    console.log(`${name}: kept, good until ${kept.notAfter.toISOString().slice(0, 10)}`);
    return;
  }
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: issuer.subject,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + 365 * DAY),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: privateKey,
    extensions: [
      new BasicConstraintsExtension(false),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([SERVER_AUTH, CLIENT_AUTH]),
      new SubjectAlternativeNameExtension(hosts.map((value) => ({ type: 'dns', value }))),
    ],
  });
  await store(name, uid, certificate, keys.privateKey);
  console.log(`${name}: made, good until ${certificate.notAfter.toISOString().slice(0, 10)}`);
}

const issuer = await authority();
await mkdir(join(folder, 'public'), { recursive: true });
await writeFile(join(folder, 'public', 'root.crt'), `${issuer.certificate.toString('pem')}\n`, {
  mode: 0o644,
});
for (const server of servers) await issue(issuer, server);
