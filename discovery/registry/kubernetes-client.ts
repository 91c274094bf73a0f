import { AuthenticationV1Api, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import type { Authenticator } from "../identity/authentication.ts";
import { authoritySecret } from "../identity/authority-secret.ts";
import type { AuthoritySource } from "../identity/authority-source.ts";
import { publishRoot } from "../identity/published-root.ts";
import { tokenReviewer } from "../identity/token-review.ts";

/** The cluster that this process runs in, or the one that KUBECONFIG names, by its current context unless given. */
export function kubeConfig(context?: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromDefault();
  if (context !== undefined) config.setCurrentContext(context);
  return config;
}

export function kubernetesTokenReviewer(audience: string): Authenticator {
  return tokenReviewer(kubeConfig().makeApiClient(AuthenticationV1Api), audience);
}

/** The authority in a Secret of the cluster. */
export async function kubernetesAuthority(
  namespace: string,
  name: string,
  trustDomain: string,
): Promise<AuthoritySource> {
  return await authoritySecret({ api: kubeConfig().makeApiClient(CoreV1Api), namespace, name, trustDomain });
}

export async function kubernetesPublishRoot(namespace: string, name: string, root: string): Promise<void> {
  await publishRoot(kubeConfig().makeApiClient(CoreV1Api), namespace, name, root);
}
