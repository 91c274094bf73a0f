import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { addresses, apiPort, clusterDomain, type Layout } from "./layout.ts";
import type { Program } from "./programs.ts";

/** Off in Kubernetes 1.34 unless asked for; the kubelet has it in its configuration. */
export const podCertificateGate = "PodCertificateRequest";

const storeUrl = "http://127.0.0.1:2379";

/**
 * What the API server writes into its audit log: which webhook and policy touched a Pod, and every request of a
 * service account outside kube-system, which is what the RBAC rules are compared with.
 */
const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    { level: "Metadata", verbs: ["create"], resources: [{ group: "", resources: ["pods"] }] },
    { level: "None", userGroups: ["system:serviceaccounts:kube-system", "system:nodes", "system:masters"] },
    { level: "Metadata", userGroups: ["system:serviceaccounts"] },
    { level: "None" },
  ],
};

/** Writes what the control plane's programs read at their start. */
export async function writeControlPlaneConfiguration(place: Layout): Promise<void> {
  await writeFile(join(place.configuration, "audit-policy.json"), JSON.stringify(auditPolicy));
}

export function etcd(place: Layout): Program {
  return { name: "etcd", arguments: ["--data", place.store, "--client", storeUrl] };
}

export function apiServer(place: Layout): Program {
  const credential = (name: string) => join(place.credentials, name);
  return {
    name: "kube-apiserver",
    arguments: [
      `--etcd-servers=${storeUrl}`,
      `--advertise-address=${addresses.node}`,
      `--secure-port=${apiPort}`,
      `--tls-cert-file=${credential("serving.crt")}`,
      `--tls-private-key-file=${credential("serving.key")}`,
      `--client-ca-file=${credential("authority.crt")}`,
      `--kubelet-client-certificate=${credential("kube-apiserver-client.crt")}`,
      `--kubelet-client-key=${credential("kube-apiserver-client.key")}`,
      "--kubelet-preferred-address-types=InternalIP",
      `--service-account-issuer=https://kubernetes.default.svc.${clusterDomain}`,
      `--service-account-key-file=${credential("service-accounts.pub")}`,
      `--service-account-signing-key-file=${credential("service-accounts.key")}`,
      `--service-cluster-ip-range=${addresses.serviceRange}`,
      "--allow-privileged=true",
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction",
      `--feature-gates=${podCertificateGate}=true`,
      "--runtime-config=certificates.k8s.io/v1alpha1/podcertificaterequests=true",
      "--shutdown-delay-duration=0s",
      `--audit-log-path=${place.auditLog}`,
      `--audit-policy-file=${join(place.configuration, "audit-policy.json")}`,
    ],
  };
}

export function controllerManager(place: Layout): Program {
  return {
    name: "kube-controller-manager",
    arguments: [
      `--kubeconfig=${place.kubeconfig("kube-controller-manager")}`,
      `--feature-gates=${podCertificateGate}=true`,
      "--use-service-account-credentials=true",
      "--leader-elect=false",
      `--root-ca-file=${join(place.credentials, "authority.crt")}`,
      `--service-account-private-key-file=${join(place.credentials, "service-accounts.key")}`,
      `--cluster-signing-cert-file=${join(place.credentials, "authority.crt")}`,
      `--cluster-signing-key-file=${join(place.credentials, "authority.key")}`,
    ],
  };
}

export function scheduler(place: Layout): Program {
  return {
    name: "kube-scheduler",
    arguments: [`--kubeconfig=${place.kubeconfig("kube-scheduler")}`, "--leader-elect=false"],
  };
}
