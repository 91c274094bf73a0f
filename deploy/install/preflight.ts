import { OutriggerError, type Problem } from "../../mesh/errors.ts";
import type { ClusterApi, KubernetesObject } from "../cluster/api.ts";
import { findResource } from "../cluster/resources.ts";

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

/**
 * Looks, before anything is changed, whether the cluster can take these objects.
 * @throws OutriggerError CLUSTER_UNFIT with every problem
 */
export async function checkCluster(api: ClusterApi, objects: readonly KubernetesObject[]): Promise<void> {
  const { body: version } = await api.request<Version>({ path: "/version" });
  const problems = [...versionProblems(version), ...(await missingKinds(api, objects))];
  if (problems.length > 0) throw new OutriggerError("CLUSTER_UNFIT", problems);
}
