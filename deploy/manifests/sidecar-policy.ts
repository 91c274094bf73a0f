import type {
  IValidatingAdmissionPolicy,
  IValidatingAdmissionPolicyBinding,
} from "kubernetes-models/admissionregistration.k8s.io/v1";
import { containers, labels, systemNamespaces } from "../../mesh/names.ts";
import type { InstallSettings } from "../settings.ts";

/** One for the cluster, whatever revisions there are: it asks for a sidecar, not for whose. */
const name = "outrigger-sidecar-required";
const policyLabels = {
  "app.kubernetes.io/name": "outrigger",
  "app.kubernetes.io/part-of": "outrigger",
  "app.kubernetes.io/managed-by": "outrigger",
};

const named = (list: string) => `object.spec.${list}.exists(c, c.name == '${containers.proxy}')`;
const hasSidecar = `${named("containers")} || (has(object.spec.initContainers) && ${named("initContainers")})`;

/**
 * Denies a Pod without istio-proxy in a namespace that demands one. It is decided inside the API server, after all
 * webhooks: so the webhook can fail open for everybody else, and these Pods are refused until it is back.
 */
export function sidecarPolicy(): IValidatingAdmissionPolicy {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name, labels: policyLabels },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
      },
      matchConditions: [
        { name: "not-on-host-network", expression: "!has(object.spec.hostNetwork) || !object.spec.hostNetwork" },
        {
          name: "not-a-mirror-pod",
          expression:
            "!has(object.metadata.annotations) || !('kubernetes.io/config.mirror' in object.metadata.annotations)",
        },
        {
          name: "not-opted-out",
          expression: `!has(object.metadata.labels) || !('${labels.inject}' in object.metadata.labels) || object.metadata.labels['${labels.inject}'] != 'false'`,
        },
      ],
      validations: [
        {
          expression: hasSidecar,
          reason: "Forbidden",
          message: `the namespace demands a sidecar (${labels.sidecar}=required), and the Pod has none: no webhook injected it. \`outrigger explain pod\` says why, \`outrigger check\` whether the webhook answers; the label ${labels.inject}=false on the Pod opts out`,
        },
      ],
    },
  };
}

export function sidecarPolicyBinding({
  namespace,
}: Pick<InstallSettings, "namespace">): IValidatingAdmissionPolicyBinding {
  const exempt = [...systemNamespaces, namespace];
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name, labels: policyLabels },
    spec: {
      policyName: name,
      validationActions: ["Deny"],
      matchResources: {
        namespaceSelector: {
          matchLabels: { [labels.sidecar]: "required" },
          matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "NotIn", values: exempt }],
        },
      },
    },
  };
}
