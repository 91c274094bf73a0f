import type { InstallSettings } from "../settings.ts";

type Named = Pick<InstallSettings, "revision" | "namespace">;

/** The port that the webhook listens on, and the one of its Service. */
export const webhookPorts = { container: 15017, service: 443 } as const;

/** `outrigger-webhook`, and `outrigger-webhook-canary` for the revision canary: revisions stand side by side. */
function withRevision(name: string, revision: string): string {
  return revision === "default" ? name : `${name}-${revision}`;
}

export function webhookName({ revision }: Named): string {
  return withRevision("outrigger-webhook", revision);
}

/** The names of objects that belong to no namespace start with the namespace that they serve. */
export function clusterWideName(settings: Named): string {
  return `${settings.namespace}-${webhookName(settings)}`;
}

export function registrationName({ revision }: Named): string {
  return withRevision("outrigger-sidecar-injector", revision);
}

/** A tag's own registration, which moves from revision to revision. */
export function tagRegistrationName(tag: string): string {
  return `outrigger-revision-tag-${tag}`;
}

export function configurationName({ revision }: Named): string {
  return withRevision("outrigger", revision);
}

/** The Secret that holds the webhook's certificate when somebody else makes it. */
export function certificateSecretName(settings: Named): string {
  return `${webhookName(settings)}-certificate`;
}

/** The Secret that holds the authority when the webhook makes its certificates itself. All revisions share it. */
export const authoritySecretName = "outrigger-webhook-authority";

/** The lock of those who may create the authority. */
export const authorityLeaseName = "outrigger-webhook-authority";

/** Labels of everything that an installation consists of; `uninstall` finds objects by them. */
export function commonLabels(settings: Named): Record<string, string> {
  return {
    "app.kubernetes.io/name": "outrigger",
    "app.kubernetes.io/part-of": "outrigger",
    "app.kubernetes.io/managed-by": "outrigger",
    "istio.io/rev": settings.revision,
  };
}

/** What selects the webhook's Pods. It never changes, since a Deployment's selector cannot. */
export function webhookSelector(settings: Named): Record<string, string> {
  return { app: "outrigger-webhook", "istio.io/rev": settings.revision };
}
