import type {
  IClusterRole,
  IClusterRoleBinding,
  IRole,
  IRoleBinding,
} from "kubernetes-models/rbac.authorization.k8s.io/v1";
import type { INamespace, IServiceAccount } from "kubernetes-models/v1";
import type { InstallSettings } from "../settings.ts";
import { cniClusterWideName, cniMetadata, cniName } from "./cni-names.ts";
import { commonLabels } from "./names.ts";
import type { Permission } from "./webhook-access.ts";

type RepairMode = InstallSettings["cni"]["repair"];

const repairModes: readonly RepairMode[] = ["repair", "delete", "label", "off"];

/** Whether a mode is set. In the chart's templates a placeholder stands there, and every mode must have its objects. */
function mayRepairBy(mode: RepairMode, { cni }: InstallSettings): boolean {
  return cni.repair === mode || !repairModes.includes(cni.repair);
}

/** What the node agent may do in the whole cluster, by the part of the role's name; RBAC knows no single node. */
export function cniClusterPermissions(settings: InstallSettings): Record<string, Permission[]> {
  const pods = (verb: string): Permission["rule"] => ({ apiGroups: [""], resources: ["pods"], verbs: [verb] });
  return {
    pods: [
      {
        rule: { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] },
        reason: "know this node's Pods; it asks with a field selector for its own node alone, which RBAC cannot demand",
      },
      {
        rule: { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create"] },
        reason: "say on a Pod what was repaired, or why it could not be",
      },
    ],
    ...(mayRepairBy("delete", settings) && {
      delete: [{ rule: pods("delete"), reason: "cni.repair=delete: delete Pods that started without their rules" }],
    }),
    ...(mayRepairBy("label", settings) && {
      label: [{ rule: pods("patch"), reason: "cni.repair=label: label Pods that started without their rules" }],
    }),
    ...(settings.cni.removeTaint && {
      taint: [
        {
          rule: { apiGroups: [""], resources: ["nodes"], verbs: ["get", "patch"] },
          reason: "cni.removeTaint: take cni.istio.io/not-ready off its node once it is ready",
        },
      ],
    }),
  };
}

/** What the node agent may do in its own namespace. */
export const cniNamespacePermissions: readonly Permission[] = [
  {
    rule: { apiGroups: ["apps"], resources: ["daemonsets"], resourceNames: [cniName], verbs: ["get"] },
    reason: "tell at its end whether Outrigger is uninstalled, and the plugin goes, or only this Pod ends",
  },
];

/** The namespace of the agent: what it needs of the node is more than the webhook's own namespace lets in. */
export function cniNamespace(settings: InstallSettings): INamespace {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: settings.cni.namespace,
      labels: {
        "app.kubernetes.io/part-of": "outrigger",
        "istio-injection": "disabled",
        "pod-security.kubernetes.io/enforce": "privileged",
        "pod-security.kubernetes.io/audit": "privileged",
        "pod-security.kubernetes.io/warn": "privileged",
      },
    },
  };
}

export function cniServiceAccount(settings: InstallSettings): IServiceAccount {
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: cniMetadata(settings) };
}

const rbac = "rbac.authorization.k8s.io/v1";
const apiGroup = "rbac.authorization.k8s.io";

/** Each part is a role of its own, so that a setting adds or takes away whole objects. */
export function cniAccessObjects(
  settings: InstallSettings,
): (IRole | IRoleBinding | IClusterRole | IClusterRoleBinding)[] {
  const metadata = cniMetadata(settings);
  const subjects = [{ kind: "ServiceAccount", name: cniName, namespace: settings.cni.namespace }];
  const wide = Object.entries(cniClusterPermissions(settings)).flatMap(
    ([part, permissions]): (IClusterRole | IClusterRoleBinding)[] => {
      const name = cniClusterWideName(settings, part);
      const common = { name, labels: commonLabels(settings) };
      return [
        { apiVersion: rbac, kind: "ClusterRole", metadata: common, rules: permissions.map(({ rule }) => rule) },
        {
          apiVersion: rbac,
          kind: "ClusterRoleBinding",
          metadata: common,
          roleRef: { apiGroup, kind: "ClusterRole", name },
          subjects,
        },
      ];
    },
  );
  return [
    { apiVersion: rbac, kind: "Role", metadata, rules: cniNamespacePermissions.map(({ rule }) => rule) },
    { apiVersion: rbac, kind: "RoleBinding", metadata, roleRef: { apiGroup, kind: "Role", name: cniName }, subjects },
    ...wide,
  ];
}
