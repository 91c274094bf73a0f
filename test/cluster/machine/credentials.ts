import { webcrypto } from "node:crypto";
import "reflect-metadata"; // @peculiar/x509 needs it, and before itself
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { addresses, apiPort, clusterDomain, type Layout, nodeName } from "./layout.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const lifetimeMs = 24 * 60 * 60 * 1000;

interface Pair {
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

interface Subject {
  readonly commonName: string;
  readonly organization?: string;
  /** Names and addresses to serve under; none for a client. */
  readonly names?: readonly string[];
}

/** The users that a cluster's programs are known as. The groups are Kubernetes' own. */
const users: Readonly<Record<string, Subject>> = {
  admin: { commonName: "outrigger-test-admin", organization: "system:masters" },
  kubelet: { commonName: `system:node:${nodeName}`, organization: "system:nodes" },
  "kube-controller-manager": { commonName: "system:kube-controller-manager" },
  "kube-scheduler": { commonName: "system:kube-scheduler" },
  "kube-proxy": { commonName: "system:kube-proxy" },
  "kube-apiserver-client": { commonName: "kube-apiserver", organization: "system:masters" },
};

const servingNames = [
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  `kubernetes.default.svc.${clusterDomain}`,
  "localhost",
  "127.0.0.1",
  addresses.node,
  addresses.apiService,
];

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

function validity() {
  return { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + lifetimeMs) };
}

async function createAuthority(): Promise<Pair> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=outrigger-test-cluster",
    ...validity(),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
    ],
  });
  return { certificate, keys };
}

function isAddress(name: string): boolean {
  return /^[0-9.]+$/.test(name);
}

async function issue(authority: Pair, subject: Subject): Promise<Pair> {
  const keys = await generateKeys();
  const { names } = subject;
  const extensions: x509.Extension[] = [
    new x509.ExtendedKeyUsageExtension([names ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth]),
  ];
  if (names) {
    const general = names.map((value) => ({ type: isAddress(value) ? "ip" : "dns", value }) as const);
    extensions.push(new x509.SubjectAlternativeNameExtension(general));
  }
  const organization = subject.organization === undefined ? [] : [{ O: [subject.organization] }];
  const certificate = await x509.X509CertificateGenerator.create({
    subject: new x509.Name([{ CN: [subject.commonName] }, ...organization]).toString(),
    issuer: authority.certificate.subject,
    ...validity(),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions,
  });
  return { certificate, keys };
}

async function pem(type: "pkcs8" | "spki", key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey(type, key);
  return x509.PemConverter.encode(der, type === "pkcs8" ? "PRIVATE KEY" : "PUBLIC KEY");
}

/** A kubeconfig as JSON, which is YAML. */
export function kubeconfig(server: string, authority: string, certificate: string, key: string): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const name = "outrigger-test";
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "certificate-authority-data": base64(authority) } }],
    users: [{ name, user: { "client-certificate-data": base64(certificate), "client-key-data": base64(key) } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  });
}

/** Writes the authority, the serving certificate, the service account key and a kubeconfig for each program. */
export async function writeCredentials(place: Layout): Promise<void> {
  await mkdir(place.credentials, { recursive: true });
  const write = (name: string, text: string) => writeFile(join(place.credentials, name), text, { mode: 0o600 });
  const authority = await createAuthority();
  const authorityPem = authority.certificate.toString("pem");
  await write("authority.crt", authorityPem);
  await write("authority.key", await pem("pkcs8", authority.keys.privateKey));

  const serving = await issue(authority, { commonName: "kube-apiserver", names: servingNames });
  await write("serving.crt", serving.certificate.toString("pem"));
  await write("serving.key", await pem("pkcs8", serving.keys.privateKey));

  const serviceAccounts = await generateKeys();
  await write("service-accounts.key", await pem("pkcs8", serviceAccounts.privateKey));
  await write("service-accounts.pub", await pem("spki", serviceAccounts.publicKey));

  for (const [user, subject] of Object.entries(users)) {
    const client = await issue(authority, subject);
    const certificate = client.certificate.toString("pem");
    const key = await pem("pkcs8", client.keys.privateKey);
    await write(`${user}.crt`, certificate);
    await write(`${user}.key`, key);
    await write(`${user}.kubeconfig`, kubeconfig(`https://127.0.0.1:${apiPort}`, authorityPem, certificate, key));
  }
}
