import { OutriggerError, type Problem } from "../../mesh/errors.ts";
import type { ClusterApi, KubernetesObject } from "../cluster/api.ts";
import { findResource } from "../cluster/resources.ts";
import { hasDiscovery } from "../manifests/discovery-names.ts";
import type { InstallSettings } from "../settings.ts";

/** ValidatingAdmissionPolicy and matchConditions are stable from here on. */
const oldestMinor = 30;

interface Version {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
}

function versionProblems({ major, minor, gitVersion }: Version): Problem[] {
  if (Number(major) > 1 || Number.parseInt(minor, 10) >= oldestMinor) return [];
  const message = "is too old";
  return [{ field: "API server", value: gitVersion, message, remedy: `it must be 1.${oldestMinor} or later` }];
}

/** Whose kinds these are, when the API server does not have them. */
const providers: Readonly<Record<string, string>> = {
  "cert-manager.io/v1": 'install cert-manager first, or set certificates.from to "self-managed"',
  "monitoring.coreos.com/v1": "install the Prometheus operator first, or switch monitoring off",
};

/** The kinds that the cluster lacks, each once. */
async function missingKinds(api: ClusterApi, objects: readonly KubernetesObject[]): Promise<Problem[]> {
  const kinds = new Map(objects.map(({ apiVersion, kind }) => [`${apiVersion} ${kind}`, { apiVersion, kind }]));
  const problems: Problem[] = [];
  for (const [field, { apiVersion, kind }] of kinds) {
    if ((await findResource(api, apiVersion, kind)) !== undefined) continue;
    const remedy = providers[apiVersion];
    problems.push({ field, message: "is not a kind of this cluster", ...(remedy !== undefined && { remedy }) });
  }
  return problems;
}

/** The versions of Pod certificates' API that discovery understands. */
const podCertificateVersions = ["certificates.k8s.io/v1beta1", "certificates.k8s.io/v1alpha1"] as const;

/** Whether the API server offers PodCertificateRequests in a version that discovery understands. */
export async function offersPodCertificates(api: ClusterApi): Promise<boolean> {
  for (const version of podCertificateVersions) {
    if ((await findResource(api, version, "PodCertificateRequest")) !== undefined) return true;
  }
  return false;
}

/** Pod certificates, which no object of an installation is of, and which clusters offer only when they are told to. */
async function podCertificateProblems(api: ClusterApi): Promise<Problem[]> {
  if (await offersPodCertificates(api)) return [];
  return [
    {
      field: "discovery.podCertificates",
      value: "true",
      message: "needs PodCertificateRequests, which the API server does not offer",
      remedy:
        "use Kubernetes 1.34 or later with the feature gate PodCertificateRequest on API server, controller manager and " +
        "kubelets, and --runtime-config for the API (docs/identity.md), or leave it out",
    },
  ];
}

/**
 * Looks, before anything is changed, whether the cluster can take these objects, and offers what the settings need.
 * @throws OutriggerError CLUSTER_UNFIT with every problem
 */
export async function checkCluster(
  api: ClusterApi,
  settings: InstallSettings,
  objects: readonly KubernetesObject[],
): Promise<void> {
  const { body: version } = await api.request<Version>({ path: "/version" });
  const signs = hasDiscovery(settings) && settings.discovery.podCertificates;
  const problems = [
    ...versionProblems(version),
    ...(await missingKinds(api, objects)),
    ...(signs ? await podCertificateProblems(api) : []),
  ];
  if (problems.length > 0) throw new OutriggerError("CLUSTER_UNFIT", problems);
}
