import type { KubernetesObject } from "@kubernetes/client-node";

/**
 * What a kubelet asks a signer for. The versions differ in where the public key stands; the API server has checked that the
 * asker holds the private one.
 * Source: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/pod-certificate-request-v1beta1/
 */
export interface PodCertificateRequest extends KubernetesObject {
  readonly spec: {
    readonly signerName: string;
    readonly podName: string;
    readonly podUID: string;
    readonly serviceAccountName: string;
    readonly nodeName: string;
    /** 3600 to 7862400; the API server writes 86400 where there was none. */
    readonly maxExpirationSeconds?: number;
    /** A SubjectPublicKeyInfo in DER, as base64: v1alpha1, and v1beta1 of Kubernetes 1.35. */
    readonly pkixPublicKey?: string;
    /** An empty PKCS#10 request in DER, as base64, in its place: v1beta1 since Kubernetes 1.36. */
    readonly stubPKCS10Request?: string;
    /** What a Pod's author wants the signer to know. */
    readonly unverifiedUserAnnotations?: Readonly<Record<string, string>>;
  };
  readonly status?: { readonly conditions?: readonly { readonly type: string }[] };
}

const finalConditions: readonly string[] = ["Issued", "Denied", "Failed"];

/** Whether it waits for an answer. An answer cannot be changed. */
export function isPending({ status }: PodCertificateRequest): boolean {
  return !(status?.conditions ?? []).some(({ type }) => finalConditions.includes(type));
}

/** `namespace/name` of the Pod that the certificate is for. */
export function podKeyOf({ metadata, spec }: PodCertificateRequest): string {
  return `${metadata?.namespace}/${spec.podName}`;
}
