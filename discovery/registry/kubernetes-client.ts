import { AuthenticationV1Api, KubeConfig } from "@kubernetes/client-node";
import type { Authenticator } from "../identity/authentication.ts";
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
