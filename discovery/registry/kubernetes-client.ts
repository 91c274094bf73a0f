import { AuthenticationV1Api, KubeConfig } from "@kubernetes/client-node";
import type { Authenticator } from "../identity/authentication.ts";
import { tokenReviewer } from "../identity/token-review.ts";

/** The cluster that this process runs in, or the one that KUBECONFIG names. */
export function kubeConfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromDefault();
  return config;
}

export function kubernetesTokenReviewer(audience: string): Authenticator {
  return tokenReviewer(kubeConfig().makeApiClient(AuthenticationV1Api), audience);
}
