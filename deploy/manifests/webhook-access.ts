import type {
  IClusterRole,
  IClusterRoleBinding,
  IRole,
  IRoleBinding,
} from "kubernetes-models/rbac.authorization.k8s.io/v1";
import type { IServiceAccount } from "kubernetes-models/v1";
import type { InstallSettings } from "../settings.ts";
import {
  authorityLeaseName,
  authoritySecretName,
  clusterWideName,
  commonLabels,
  configurationName,
  registrationName,
  tagRegistrationName,
  webhookName,
} from "./names.ts";

type PolicyRule = NonNullable<IRole["rules"]>[number];

/** A permission and the reason for it; docs/privileges.md prints them, and a test holds the two together. */
export interface Permission {
  readonly rule: PolicyRule;
  readonly reason: string;
}

/** What the webhook may do in the whole cluster. */
export function clusterPermissions(settings: InstallSettings): Permission[] {
  const registrations = [registrationName(settings), ...settings.tags.map(tagRegistrationName)];
  const group = "admissionregistration.k8s.io";
  const resources = ["mutatingwebhookconfigurations"];
  const watch: Permission = {
    rule: { apiGroups: [group], resources, verbs: ["list", "watch"] },
    reason: "see which authority the API server trusts for it, to serve no certificate that it would refuse",
  };
  const nodes: Permission = {
    rule: { apiGroups: [""], resources: ["nodes"], verbs: ["list", "watch"] },
    reason: "write a native sidecar only where every kubelet knows them",
  };
  const proxyConfigs: Permission = {
    rule: { apiGroups: ["networking.istio.io"], resources: ["proxyconfigs"], verbs: ["list", "watch"] },
    reason: "lay ProxyConfig resources over the mesh configuration",
  };
  if (settings.certificates.from !== "self-managed") return [nodes, proxyConfigs];
  return [
    nodes,
    proxyConfigs,
    watch,
    {
      rule: { apiGroups: [group], resources, resourceNames: registrations, verbs: ["patch"] },
      reason: "write its own authority into its own registrations, and no others",
    },
  ];
}

/** What the webhook may do in the whole cluster besides, on OpenShift. */
export const openShiftPermissions: readonly Permission[] = [
  {
    rule: { apiGroups: [""], resources: ["namespaces"], verbs: ["list", "watch"] },
    reason: "give the sidecar ids of the range that OpenShift reserved for its namespace",
  },
];

/** What the webhook may do in its own namespace. */
export function namespacePermissions(settings: InstallSettings): Permission[] {
  const permissions: Permission[] = [
    {
      rule: {
        apiGroups: [""],
        resources: ["configmaps"],
        resourceNames: [configurationName(settings)],
        verbs: ["list", "watch"],
      },
      reason: "read its configuration, and take over a new one without a restart",
    },
    {
      rule: { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create"] },
      reason: "say that a new configuration was refused, where people look for it",
    },
  ];
  return settings.certificates.from === "self-managed" ? [...permissions, ...authorityPermissions] : permissions;
}

const authorityPermissions: readonly Permission[] = [
  {
    rule: {
      apiGroups: [""],
      resources: ["secrets"],
      resourceNames: [authoritySecretName],
      verbs: ["get", "list", "watch", "update"],
    },
    reason: "keep its certificate authority, and renew it before it expires",
  },
  {
    rule: { apiGroups: [""], resources: ["secrets"], verbs: ["create"] },
    reason: "create that Secret the first time; Kubernetes cannot tie creation to a name",
  },
  {
    rule: {
      apiGroups: ["coordination.k8s.io"],
      resources: ["leases"],
      resourceNames: [authorityLeaseName],
      verbs: ["get", "update"],
    },
    reason: "let one replica alone create or renew the authority",
  },
  {
    rule: { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
    reason: "create that Lease the first time",
  },
];

export function serviceAccount(settings: InstallSettings): IServiceAccount {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: webhookName(settings), namespace: settings.namespace, labels: commonLabels(settings) },
  };
}

function subject(settings: InstallSettings) {
  return { kind: "ServiceAccount", name: webhookName(settings), namespace: settings.namespace };
}

type AccessObject = IRole | IRoleBinding | IClusterRole | IClusterRoleBinding;

const rbac = "rbac.authorization.k8s.io/v1";
const apiGroup = "rbac.authorization.k8s.io";

/** A ClusterRole with its binding. */
function clusterAccess(settings: InstallSettings, name: string, permissions: readonly Permission[]): AccessObject[] {
  const metadata = { name, labels: commonLabels(settings) };
  return [
    { apiVersion: rbac, kind: "ClusterRole", metadata, rules: permissions.map(({ rule }) => rule) },
    {
      apiVersion: rbac,
      kind: "ClusterRoleBinding",
      metadata,
      roleRef: { apiGroup, kind: "ClusterRole", name },
      subjects: [subject(settings)],
    },
  ];
}

/**
 * The Role and the ClusterRole, with their bindings. What OpenShift needs stands apart, as the chart has an object or
 * has none; for the chart, the platform is a placeholder.
 */
export function accessObjects(settings: InstallSettings): AccessObject[] {
  const local = { name: webhookName(settings), namespace: settings.namespace, labels: commonLabels(settings) };
  const name = clusterWideName(settings);
  return [
    { apiVersion: rbac, kind: "Role", metadata: local, rules: namespacePermissions(settings).map(({ rule }) => rule) },
    {
      apiVersion: rbac,
      kind: "RoleBinding",
      metadata: local,
      roleRef: { apiGroup, kind: "Role", name: local.name },
      subjects: [subject(settings)],
    },
    ...clusterAccess(settings, name, clusterPermissions(settings)),
    ...(settings.injection.platform === "kubernetes"
      ? []
      : clusterAccess(settings, `${name}-namespaces`, openShiftPermissions)),
  ];
}
