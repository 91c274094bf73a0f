import { AuthenticationV1Api, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import type { Authenticator } from "../identity/authentication.ts";
import { authorityFiles, servingFiles } from "../identity/authority-files.ts";
import { type AuthoritySource, storedAuthorities } from "../identity/authority-source.ts";
import { defaultLimits, limitedAuthenticator } from "../identity/limited-authenticator.ts";
import { materialSecret } from "../identity/material-secret.ts";
import type { RequestSourceEvents } from "../identity/pod-certificates/serve.ts";
import type { PodCertificateRequests } from "../identity/pod-certificates/signer.ts";
import { publishRoots } from "../identity/published-root.ts";
import { tokenReviewer } from "../identity/token-review.ts";
import { kubernetesPodCertificateRequests } from "./pod-certificate-requests.ts";

/** The cluster that this process runs in, or the one that KUBECONFIG names, by its current context unless given. */
export function kubeConfig(context?: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromDefault();
  if (context !== undefined) config.setCurrentContext(context);
  return config;
}

export function kubernetesTokenReviewer(audience: string): Authenticator {
  const review = tokenReviewer(kubeConfig().makeApiClient(AuthenticationV1Api), audience);
  return limitedAuthenticator(review, defaultLimits);
}

/** The Secrets of both authorities, by their names, in a namespace of the cluster; made where they are missing. */
export async function kubernetesAuthorities(
  namespace: string,
  secrets: { readonly mesh: string; readonly serving: string },
  trustDomain: string,
): Promise<AuthoritySource> {
  const api = kubeConfig().makeApiClient(CoreV1Api);
  const mesh = materialSecret({ api, namespace, name: secrets.mesh, names: authorityFiles });
  const serving = materialSecret({ api, namespace, name: secrets.serving, names: servingFiles });
  return await storedAuthorities(mesh, serving, { trustDomain, create: true });
}

/** What publishes roots in a ConfigMap of the cluster. */
export function kubernetesPublisher(namespace: string, name: string): (roots: string) => Promise<void> {
  const api = kubeConfig().makeApiClient(CoreV1Api);
  return (roots) => publishRoots(api, namespace, name, roots);
}

/** What kubelets ask of a signer. */
export function kubernetesRequests(signerName: string, events: RequestSourceEvents): PodCertificateRequests {
  return kubernetesPodCertificateRequests({ config: kubeConfig(), signerName, ...events });
}
