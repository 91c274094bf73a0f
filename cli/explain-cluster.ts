import type { V1ConfigMap } from "@kubernetes/client-node";
import { ApiError, type ClusterApi, connect, type KubernetesObject } from "../deploy/cluster/api.ts";
import type { AdmissionEntry } from "../mesh/admission-entries.ts";
import { OutriggerError } from "../mesh/errors.ts";
import type { Labels } from "../mesh/pod.ts";
import type { LabelSelector } from "../mesh/selector.ts";
import { configurationTexts } from "../webhook/cluster/config-maps.ts";
import { clusterFacts } from "../webhook/cluster-facts.ts";
import type { Rulebook, Subject } from "../webhook/explain/subject.ts";
import { type InjectionFlags, settingsFromTexts } from "../webhook/injection-flags.ts";

export interface ClusterExplainOptions extends InjectionFlags {
  readonly namespace?: string;
  readonly systemNamespace: string;
  readonly context?: string;
}

interface Registration extends KubernetesObject {
  readonly webhooks?: readonly {
    readonly name: string;
    readonly namespaceSelector?: LabelSelector;
    readonly objectSelector?: LabelSelector;
  }[];
}

interface Node extends KubernetesObject {
  readonly status?: { readonly nodeInfo?: { readonly kubeletVersion?: string } };
}

async function read<T>(
  api: ClusterApi,
  path: string,
  query?: Readonly<Record<string, string>>,
): Promise<T | undefined> {
  try {
    return (await api.request<T>({ path, ...(query && { query }) })).body;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

async function list<T>(api: ClusterApi, path: string, query?: Readonly<Record<string, string>>): Promise<readonly T[]> {
  return (await read<{ items: readonly T[] }>(api, path, query))?.items ?? [];
}

/** The entries of the registrations that the API server has of a revision. */
async function liveEntries(api: ClusterApi, revision: string): Promise<AdmissionEntry[]> {
  const path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
  const labelSelector = `app.kubernetes.io/name=outrigger,istio.io/rev=${revision}`;
  const registrations = await list<Registration>(api, path, { labelSelector });
  return registrations.flatMap(({ webhooks = [] }) =>
    webhooks.map(({ name, namespaceSelector = {}, objectSelector = {} }) => ({
      name,
      namespaceSelector,
      objectSelector,
    })),
  );
}

function configMapName(revision: string): string {
  return revision === "default" ? "outrigger" : `outrigger-${revision}`;
}

/** What decides in a cluster: the registrations, the webhook's ConfigMap, and the nodes. */
async function liveRulebook(api: ClusterApi, options: ClusterExplainOptions): Promise<Rulebook> {
  const { revision = "default", systemNamespace } = options;
  const path = `/api/v1/namespaces/${systemNamespace}/configmaps/${configMapName(revision)}`;
  const [map, entries, nodes] = await Promise.all([
    read<V1ConfigMap>(api, path),
    liveEntries(api, revision),
    list<Node>(api, "/api/v1/nodes"),
  ]);
  const facts = clusterFacts({
    nodes: nodes.map(({ metadata, status }) => ({
      name: metadata.name,
      kubeletVersion: status?.nodeInfo?.kubeletVersion ?? "",
    })),
  });
  return { settings: settingsFromTexts(options, map === undefined ? {} : configurationTexts([map])), facts, entries };
}

async function liveSubject(api: ClusterApi, name: string, namespace: string): Promise<Subject> {
  const [pod, place] = await Promise.all([
    read<KubernetesObject>(api, `/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(name)}`),
    read<KubernetesObject>(api, `/api/v1/namespaces/${namespace}`),
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

/** A Pod of the cluster, with everything that decides on it there. */
export async function explainInCluster(
  name: string,
  options: ClusterExplainOptions,
): Promise<{ subject: Subject; rulebook: Rulebook }> {
  const api = await connect(options.context);
  const [subject, rulebook] = await Promise.all([
    liveSubject(api, name, options.namespace ?? currentNamespace(api)),
    liveRulebook(api, options),
  ]);
  return { subject, rulebook };
}
