import type { InstallSettings } from "../settings.ts";
import { commonLabels } from "./names.ts";

type Named = Pick<InstallSettings, "revision" | "namespace">;

/** The ports that discovery listens on: proxies, and health with metrics. */
export const discoveryPorts = { ads: 15012, http: 15014 } as const;

/** The Secret with the mesh's authority. All revisions share it: theirs is one mesh. */
export const meshAuthoritySecretName = "outrigger-ca";

/** The Secret with discovery's own root, which it replaces itself. All revisions share it, so that any can serve any Pod. */
export const discoveryRootSecretName = "outrigger-discovery-ca";

/** The key of the ConfigMap under which discovery publishes the roots that proxies know it by. */
export const discoveryRootKey = "discovery-ca-cert.pem";

/** Discovery's objects; a revision has its own, as it has its own webhook. */
export function discoveryName({ revision }: Named): string {
  return revision === "default" ? "outrigger-discovery" : `outrigger-discovery-${revision}`;
}

export function discoveryClusterWideName(settings: Named): string {
  return `${settings.namespace}-${discoveryName(settings)}`;
}

/** Where proxies find it. */
export function discoveryAddress(settings: Named): string {
  return `${discoveryName(settings)}.${settings.namespace}.svc:${discoveryPorts.ads}`;
}

/** By which kubelets ask this mesh's discovery for certificates; another mesh of the cluster has another namespace. */
export function podCertificateSigner({ namespace }: Pick<Named, "namespace">): string {
  return `outrigger.dev/${namespace}`;
}

export function discoveryMetadata(settings: Named) {
  return { name: discoveryName(settings), namespace: settings.namespace, labels: commonLabels(settings) };
}

/** What selects discovery's Pods. It never changes, since a Deployment's selector cannot. */
export function discoverySelector({ revision }: Named): Record<string, string> {
  return { app: "outrigger-discovery", "istio.io/rev": revision };
}

/**
 * Whether there is a control plane: Istio's proxy, which the profile istio injects, has one of its own. In the chart's
 * templates a placeholder stands for the switch.
 */
export function hasDiscovery({ injection, discovery }: InstallSettings): boolean {
  return injection.profile === "istio" ? false : discovery.enabled;
}

/** The opposite; of a placeholder, the one that the chart turns into the opposite. */
export function lacksDiscovery(settings: InstallSettings): boolean {
  const has: unknown = hasDiscovery(settings);
  return typeof has === "string" ? (has.replace("@@", "@@not:") as unknown as boolean) : !has;
}
