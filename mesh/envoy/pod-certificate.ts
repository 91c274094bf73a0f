import type { JsonObject } from "../pod.ts";

/**
 * A workload's key and certificate as files in its Pod, in place of those that discovery makes: the kubelet makes the key,
 * discovery signs, and the key never leaves the node. Two files and not one bundle: what stands in the file of Envoy's
 * `certificate_chain` is shown by its admin interface, be it a key. The kubelet exchanges both in one step.
 * Source: https://kubernetes.io/docs/concepts/storage/projected-volumes/#podcertificate
 */
export const podCertificate = {
  volume: "outrigger-certificate",
  folder: "/var/run/secrets/workload-certificate",
  key: "key.pem",
  chain: "certificate-chain.pem",
} as const;

/** Whom the kubelet asks to sign, unless an installation says otherwise. */
export const defaultSigner = "outrigger.dev/workload";

/** The volume's source, as the Pod has it. @param lifetimeSeconds the longest that is taken; the signer's may be shorter */
export function podCertificateSource(signerName: string, lifetimeSeconds: number): JsonObject {
  return {
    podCertificate: {
      signerName,
      keyType: "ECDSAP256",
      maxExpirationSeconds: lifetimeSeconds,
      keyPath: podCertificate.key,
      certificateChainPath: podCertificate.chain,
    },
  };
}
