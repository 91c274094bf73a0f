import type { IMutatingWebhookConfiguration } from "kubernetes-models/admissionregistration.k8s.io/v1";
import { type AdmissionEntry, admissionEntries } from "../../mesh/admission-entries.ts";
import { systemNamespaces } from "../../mesh/names.ts";
import type { LabelSelector, Requirement } from "../../mesh/selector.ts";
import { type InstallSettings, servesDefault } from "../settings.ts";
import {
  certificateSecretName,
  commonLabels,
  registrationName,
  tagRegistrationName,
  webhookName,
  webhookPorts,
} from "./names.ts";

type Webhook = NonNullable<IMutatingWebhookConfiguration["webhooks"]>[number];

/** Pods that are never injected are not even shown: their creation must not depend on the webhook. */
const matchConditions: NonNullable<Webhook["matchConditions"]> = [
  {
    name: "not-on-host-network",
    expression: "!has(object.spec.hostNetwork) || !object.spec.hostNetwork",
  },
  {
    name: "not-a-mirror-pod",
    expression: "!has(object.metadata.annotations) || !('kubernetes.io/config.mirror' in object.metadata.annotations)",
  },
];

const namespaceNameLabel = "kubernetes.io/metadata.name";

/** The selector, without the system's namespaces and our own: a cluster must come up without us, and so must we. */
function exempting(selector: LabelSelector, ownNamespace: string): LabelSelector {
  const exempt: Requirement = {
    key: namespaceNameLabel,
    operator: "NotIn",
    values: [...systemNamespaces, ownNamespace],
  };
  const others = (selector.matchExpressions ?? []).filter(({ key }) => key !== namespaceNameLabel);
  return { ...selector, matchExpressions: [...others, exempt] };
}

function mutable({ matchLabels, matchExpressions }: LabelSelector) {
  return {
    ...(matchLabels && { matchLabels: { ...matchLabels } }),
    ...(matchExpressions && {
      matchExpressions: matchExpressions.map(({ key, operator, values }) => ({
        key,
        operator,
        ...(values && { values: [...values] }),
      })),
    }),
  };
}

/** One entry of a registration: who is asked about which Pods. */
export function webhookOf(entry: AdmissionEntry, settings: InstallSettings): Webhook {
  return {
    name: entry.name,
    // No caBundle: it belongs to whoever makes the certificates, and applying again must not take it away.
    clientConfig: {
      service: {
        name: webhookName(settings),
        namespace: settings.namespace,
        path: "/inject",
        port: webhookPorts.service,
      },
    },
    rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"], scope: "Namespaced" }],
    namespaceSelector: mutable(exempting(entry.namespaceSelector, settings.namespace)),
    objectSelector: mutable(entry.objectSelector),
    matchPolicy: "Equivalent",
    matchConditions,
    sideEffects: "None",
    admissionReviewVersions: ["v1", "v1beta1"],
    reinvocationPolicy: "IfNeeded",
    timeoutSeconds: settings.webhook.timeoutSeconds,
    failurePolicy: settings.webhook.failurePolicy,
  };
}

/** cert-manager's injector fills in the caBundle of what carries this. */
function certificateAnnotations(settings: InstallSettings): Record<string, string> {
  if (settings.certificates.from !== "cert-manager") return {};
  return { "cert-manager.io/inject-ca-from": `${settings.namespace}/${certificateSecretName(settings)}` };
}

export interface Registration {
  readonly name: string;
  readonly entries: readonly AdmissionEntry[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** A registration of any name with any entries. */
export function registrationOf(settings: InstallSettings, registration: Registration): IMutatingWebhookConfiguration {
  const annotations = certificateAnnotations(settings);
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: {
      name: registration.name,
      labels: { ...commonLabels(settings), ...registration.labels },
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    webhooks: registration.entries.map((entry) => webhookOf(entry, settings)),
  };
}

/** A revision's own registration. One that is named has no entry for `istio-injection`; a tag gives it that. */
export function revisionRegistration(
  settings: InstallSettings,
  { servesDefault: isDefault } = { servesDefault: settings.revision === "default" },
): IMutatingWebhookConfiguration {
  const { revision, enableNamespacesByDefault } = settings;
  const entries = admissionEntries({ revision, isDefault, enableNamespacesByDefault });
  return registrationOf(settings, { name: registrationName(settings), entries });
}

/** The registrations of the tags that name this revision. Applying one again with another revision moves the tag. */
export function tagRegistrations(settings: InstallSettings): IMutatingWebhookConfiguration[] {
  return settings.tags.map((tag) => {
    const isDefault = tag === "default" && servesDefault(settings);
    const { enableNamespacesByDefault } = settings;
    const entries = admissionEntries({ revision: tag, isDefault, enableNamespacesByDefault });
    return registrationOf(settings, { name: tagRegistrationName(tag), entries, labels: { "istio.io/tag": tag } });
  });
}
