import type { ClusterApi, KubernetesObject } from "../../deploy/cluster/api.ts";
import { callingEntry } from "../../mesh/admission-entries.ts";
import { OutriggerError } from "../../mesh/errors.ts";
import type { Labels } from "../../mesh/pod.ts";
import type { Rulebook, Subject } from "../../webhook/explain/subject.ts";
import { readOne } from "./list.ts";
import { type LiveRevision, liveRevisions } from "./live-rulebooks.ts";
import { withCluster } from "./with-cluster.ts";

export interface LiveOptions {
  readonly namespace?: string;
  /** The revision that is asked about; the one that the Pod would be sent to if undefined. */
  readonly revision?: string;
  readonly context?: string;
}

async function liveSubject(api: ClusterApi, name: string, namespace: string): Promise<Subject> {
  const [pod, place] = await Promise.all([
    readOne<KubernetesObject>(api, `/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(name)}`),
    readOne<KubernetesObject>(api, `/api/v1/namespaces/${namespace}`),
  ]);
  if (pod === undefined) {
    const remedy = "see `kubectl get pods`, or give its YAML with -f";
    throw new OutriggerError("BAD_OBJECT", [{ field: `Pod ${namespace}/${name}`, message: "does not exist", remedy }]);
  }
  const labels: Labels = place?.metadata.labels ?? {};
  return { workload: `Pod/${name}`, namespace: { name: namespace, labels }, object: pod };
}

function currentNamespace(api: ClusterApi): string {
  const { config } = api;
  return config.getContextObject(config.getCurrentContext())?.namespace ?? "default";
}

/** The revision to explain by: the one asked for, or else the one whose entries select the Pod, or else any. */
function chooseRevision(
  revisions: readonly LiveRevision[],
  { namespace, object }: Subject,
  wanted?: string,
): LiveRevision {
  const { labels = {} } = (object as KubernetesObject).metadata;
  const calling = revisions.find(({ rulebook }) => callingEntry(rulebook.entries, namespace, labels).called);
  const chosen =
    wanted === undefined
      ? (calling ?? revisions.find(({ name }) => name === "default") ?? revisions[0])
      : revisions.find(({ name }) => name === wanted);
  if (chosen !== undefined) return chosen;
  const message = wanted === undefined ? "has no Outrigger" : `has no revision ${wanted}`;
  throw new OutriggerError("CLUSTER_UNFIT", [{ field: "the cluster", message, remedy: "run `outrigger check`" }]);
}

/** A Pod of the cluster, with everything that decides on it there. */
export async function subjectInCluster(
  name: string,
  options: LiveOptions,
): Promise<{ subject: Subject; rulebook: Rulebook }> {
  return await withCluster(options.context, async (api) => {
    const [subject, revisions] = await Promise.all([
      liveSubject(api, name, options.namespace ?? currentNamespace(api)),
      liveRevisions(api),
    ]);
    return { subject, rulebook: chooseRevision(revisions, subject, options.revision).rulebook };
  });
}
