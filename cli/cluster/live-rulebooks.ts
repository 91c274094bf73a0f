import { Command } from "commander";
import type { ClusterApi } from "../../deploy/cluster/api.ts";
import { discoveryRootKey } from "../../deploy/manifests/discovery-names.ts";
import type { AdmissionEntry } from "../../mesh/admission-entries.ts";
import { configurationTexts } from "../../webhook/cluster/config-maps.ts";
import { clusterFacts } from "../../webhook/cluster-facts.ts";
import { type ClusterFlags, withClusterFlags } from "../../webhook/cluster-flags.ts";
import type { ConfigurationText } from "../../webhook/config/configuration.ts";
import type { Rulebook } from "../../webhook/explain/subject.ts";
import { type InjectionFlags, settingsFromTexts, withInjectionFlags } from "../../webhook/injection-flags.ts";
import {
  type DataObject,
  type Node,
  outriggerSelector,
  type Registration,
  readAll,
  readOne,
  registrationsPath,
  type Workload,
} from "./list.ts";

/** A revision that is installed: its Deployment, its registrations, and what decides in it. */
export interface LiveRevision {
  readonly name: string;
  readonly namespace: string;
  readonly deployment: Workload;
  readonly registrations: readonly Registration[];
  readonly rulebook: Rulebook;
  /** Undefined where the webhook writes sidecars without one. */
  readonly controlPlane?: ControlPlane;
}

/** What sidecars of a revision connect to. */
export interface ControlPlane {
  /** Of its Deployment, and of the ConfigMap with its roots. */
  readonly name: string;
  readonly deployment: Workload | undefined;
  /** PEM, what sidecars know it by; undefined before it is published. */
  readonly roots: ConfigurationText | undefined;
}

/** Reads a webhook's command line as the webhook itself does, as far as it says how to inject. */
export function flagsOf(args: readonly string[]): InjectionFlags & ClusterFlags {
  const command = withClusterFlags(withInjectionFlags(new Command()))
    .allowUnknownOption()
    .allowExcessArguments()
    .exitOverride();
  return command.parse([...args], { from: "user" }).opts();
}

export function argumentsOf({ spec }: Workload): readonly string[] {
  return spec?.template?.spec?.containers?.[0]?.args ?? [];
}

/** The entries by which registrations have the API server call. */
export function entriesOf(registrations: readonly Registration[]): AdmissionEntry[] {
  return registrations.flatMap(({ webhooks = [] }) =>
    webhooks.map(({ name, namespaceSelector = {}, objectSelector = {} }) => ({
      name,
      namespaceSelector,
      objectSelector,
    })),
  );
}

function revisionOf({ metadata }: { metadata: { labels?: Readonly<Record<string, string>> } }): string {
  return metadata.labels?.["istio.io/rev"] ?? "default";
}

/** The control plane of a webhook, by the ConfigMap that it has the roots mounted from. */
async function controlPlaneOf(
  api: ClusterApi,
  { metadata: { namespace }, spec }: Workload,
  deployments: readonly Workload[],
): Promise<ControlPlane | undefined> {
  const name = spec?.template?.spec?.volumes?.find((volume) => volume.name === "discovery")?.configMap?.name;
  if (name === undefined) return undefined;
  const path = `/api/v1/namespaces/${namespace}/configmaps/${encodeURIComponent(name)}`;
  const text = (await readOne<DataObject>(api, path))?.data?.[discoveryRootKey];
  const deployment = deployments.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  const roots = text === undefined ? undefined : { name: `ConfigMap ${namespace}/${name} ${discoveryRootKey}`, text };
  return { name, deployment, roots };
}

async function rulebookOf(
  api: ClusterApi,
  deployment: Workload,
  registrations: readonly Registration[],
  nodes: readonly Node[],
  discoveryRoots: ConfigurationText | undefined,
): Promise<Rulebook> {
  const namespace = deployment.metadata.namespace ?? "";
  const flags = flagsOf(argumentsOf(deployment));
  const maps = await Promise.all(
    (flags.configMap ?? []).map((name) =>
      readOne<DataObject>(api, `/api/v1/namespaces/${namespace}/configmaps/${encodeURIComponent(name)}`),
    ),
  );
  const found = maps.filter((map) => map !== undefined).map(({ metadata, data }) => ({ metadata, data: { ...data } }));
  const facts = clusterFacts({
    nodes: nodes.map(({ metadata, status }) => ({
      name: metadata.name,
      kubeletVersion: status?.nodeInfo?.kubeletVersion ?? "",
    })),
  });
  const settings = settingsFromTexts(
    { ...flags, discovery: flags.discovery && discoveryRoots !== undefined },
    { ...configurationTexts(found), ...(discoveryRoots && { discoveryRoots }) },
  );
  return { settings, facts, entries: entriesOf(registrations) };
}

/** Every revision that is installed, with the configuration that its webhook runs by. */
export async function liveRevisions(api: ClusterApi): Promise<LiveRevision[]> {
  const query = { labelSelector: outriggerSelector };
  const [deployments, registrations, nodes] = await Promise.all([
    readAll<Workload>(api, "/apis/apps/v1/deployments", query),
    readAll<Registration>(api, registrationsPath, query),
    readAll<Node>(api, "/api/v1/nodes"),
  ]);
  const webhooks = deployments.filter((deployment) => argumentsOf(deployment)[0] === "webhook");
  return await Promise.all(
    webhooks.map(async (deployment) => {
      const name = revisionOf(deployment);
      const own = registrations.filter((registration) => revisionOf(registration) === name);
      const controlPlane = await controlPlaneOf(api, deployment, deployments);
      const rulebook = await rulebookOf(api, deployment, own, nodes, controlPlane?.roots);
      const namespace = deployment.metadata.namespace ?? "";
      return { name, namespace, deployment, registrations: own, rulebook, ...(controlPlane && { controlPlane }) };
    }),
  );
}
