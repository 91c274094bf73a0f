import { generateKeyPairSync, randomUUID, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { authorityFiles } from "../../../discovery/identity/authority-files.ts";
import { materialFolder } from "../../../discovery/identity/material-folder.ts";
import { issuedStatus } from "../../../discovery/identity/pod-certificates/status.ts";
import { readAuthority } from "../../../discovery/identity/read-authority.ts";
import { podCertificate, podCertificateSource } from "../../../mesh/envoy/pod-certificate.ts";

/**
 * Writes a volume's files as the kubelet does: into a new folder, which a link is then turned to, so that all change in one
 * step. Source: https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter
 */
export function writeVolume(volume: string, files: Readonly<Record<string, string>>): void {
  const fresh = `..${randomUUID()}`;
  mkdirSync(join(volume, fresh), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(volume, fresh, name), text);
  const link = join(volume, "..data");
  const before = existsSync(link) ? readlinkSync(link) : undefined;
  symlinkSync(fresh, `${link}_tmp`);
  renameSync(`${link}_tmp`, link);
  if (before !== undefined) rmSync(join(volume, before), { recursive: true });
  else for (const name of Object.keys(files)) symlinkSync(join("..data", name), join(volume, name));
}

/** What a Pod's spec has, so that the kubelet makes its sidecar's key. */
export function podCertificateSpec(signerName: string) {
  const { volume: name, folder: mountPath } = podCertificate;
  return {
    containers: [{ name: "istio-proxy", volumeMounts: [{ name, mountPath, readOnly: true }] }],
    volumes: [{ name, projected: { sources: [podCertificateSource(signerName, 86_400)] } }],
  };
}

/**
 * Makes a key and puts it, with what the authority in a folder certifies of it, into a volume: what a kubelet and discovery
 * do together. Returns the certificate's serial number.
 */
export async function renewPodCertificate(volume: string, authorityFolder: string, identity: string): Promise<string> {
  const material = await materialFolder(authorityFolder, authorityFiles).read();
  if (material === undefined) throw new Error(`no authority in ${authorityFolder}`);
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const now = new Date();
  const { certificateChain = "" } = await issuedStatus(
    {
      identity,
      workload: "files/files/latest",
      publicKey: publicKey.export({ format: "der", type: "spki" }),
      notBefore: new Date(now.getTime() - 60_000),
      lifetimeMs: 3_600_000,
    },
    await readAuthority(material, { place: authorityFolder, trustDomain: "cluster.local" }),
    now,
  );
  const key = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  writeVolume(volume, { [podCertificate.key]: key, [podCertificate.chain]: certificateChain });
  return new X509Certificate(certificateChain).serialNumber.toLowerCase();
}
