import type {
  IClusterRole,
  IClusterRoleBinding,
  IRole,
  IRoleBinding,
} from "kubernetes-models/rbac.authorization.k8s.io/v1";
import type { IServiceAccount } from "kubernetes-models/v1";
import type { InstallSettings } from "../settings.ts";
import {
  discoveryClusterWideName,
  discoveryMetadata,
  discoveryName,
  discoveryRootSecretName,
  meshAuthoritySecretName,
  podCertificateSigner,
} from "./discovery-names.ts";
import { commonLabels } from "./names.ts";
import type { Permission } from "./webhook-access.ts";

const follow = ["list", "watch"];

/** What discovery may do in the whole cluster. */
export const discoveryClusterPermissions: readonly Permission[] = [
  {
    rule: { apiGroups: [""], resources: ["services", "pods", "namespaces", "nodes"], verbs: follow },
    reason: "know the mesh's Services, which workload has which address, and where it runs",
  },
  {
    rule: { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: follow },
    reason: "know which Pods take a Service's requests now",
  },
  {
    rule: { apiGroups: ["security.istio.io"], resources: ["peerauthentications"], verbs: follow },
    reason: "know what each workload takes: mutual TLS, plain text, or both",
  },
  {
    rule: { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
    reason: "have the API server say which Pod a proxy's token belongs to",
  },
];

/** What discovery may do in the whole cluster besides, where it signs what kubelets ask for Pods. */
export function podCertificatePermissions(settings: InstallSettings): Permission[] {
  const apiGroups = ["certificates.k8s.io"];
  return [
    {
      rule: { apiGroups, resources: ["podcertificaterequests"], verbs: follow },
      reason: "see what kubelets ask to have signed",
    },
    {
      rule: { apiGroups, resources: ["podcertificaterequests/status"], verbs: ["update"] },
      reason: "answer them; the API server lets it answer those of its own signer only",
    },
    {
      rule: { apiGroups, resources: ["signers"], resourceNames: [podCertificateSigner(settings)], verbs: ["sign"] },
      reason: "be that signer",
    },
  ];
}

/** What discovery may do in its own namespace. */
export function discoveryNamespacePermissions(settings: InstallSettings): Permission[] {
  const secret = { apiGroups: [""], resources: ["secrets"] };
  return [
    {
      rule: { ...secret, resourceNames: [meshAuthoritySecretName], verbs: ["get"] },
      reason: "sign workloads' certificates with the mesh's authority, and follow its replacement",
    },
    {
      rule: { ...secret, resourceNames: [discoveryRootSecretName], verbs: ["get", "update"] },
      reason: "keep the root that proxies know it by, and give it a successor before it ends",
    },
    {
      rule: { ...secret, verbs: ["create"] },
      reason: "create these Secrets the first time; Kubernetes cannot tie creation to a name",
    },
    {
      rule: {
        apiGroups: [""],
        resources: ["configmaps"],
        resourceNames: [discoveryName(settings)],
        verbs: ["get", "update"],
      },
      reason: "publish the roots that proxies know it by, for the webhook to write into them",
    },
  ];
}

export function discoveryServiceAccount(settings: InstallSettings): IServiceAccount {
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: discoveryMetadata(settings) };
}

export function discoveryAccessObjects(
  settings: InstallSettings,
): (IRole | IRoleBinding | IClusterRole | IClusterRoleBinding)[] {
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const apiGroup = "rbac.authorization.k8s.io";
  const metadata = discoveryMetadata(settings);
  const { name, namespace } = metadata;
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const clusterWide = (
    wideName: string,
    permissions: readonly Permission[],
  ): (IClusterRole | IClusterRoleBinding)[] => {
    const wide = { name: wideName, labels: commonLabels(settings) };
    const roleRef = { apiGroup, kind: "ClusterRole", name: wideName };
    return [
      { apiVersion, kind: "ClusterRole", metadata: wide, rules: permissions.map(({ rule }) => rule) },
      { apiVersion, kind: "ClusterRoleBinding", metadata: wide, roleRef, subjects },
    ];
  };
  const wideName = discoveryClusterWideName(settings);
  return [
    { apiVersion, kind: "Role", metadata, rules: discoveryNamespacePermissions(settings).map(({ rule }) => rule) },
    { apiVersion, kind: "RoleBinding", metadata, roleRef: { apiGroup, kind: "Role", name }, subjects },
    ...clusterWide(wideName, discoveryClusterPermissions),
    ...(settings.discovery.podCertificates
      ? clusterWide(`${wideName}-pod-certificates`, podCertificatePermissions(settings))
      : []),
  ];
}
