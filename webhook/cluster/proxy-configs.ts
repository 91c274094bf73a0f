import { CustomObjectsApi, type KubernetesObject } from "@kubernetes/client-node";
import * as v from "valibot";
import { statusOfError } from "../../kubernetes/api-error.ts";
import { follow } from "../../kubernetes/follow.ts";
import { OutriggerError } from "../../mesh/errors.ts";
import { checked } from "../../mesh/schema-problems.ts";
import { isEmptySelector } from "../../mesh/selector.ts";
import type { ProxyConfigResource } from "../cluster-facts.ts";
import { proxyConfigSchema } from "../config/proxy-config.ts";
import type { ClusterClient } from "./client.ts";

const kind = { group: "networking.istio.io", version: "v1beta1", plural: "proxyconfigs" } as const;

const labels = v.record(v.string(), v.string());

/**
 * What of a ProxyConfig changes Pods; fields of later versions are left alone.
 * Source: https://istio.io/latest/docs/reference/config/networking/proxy-config/
 */
const specSchema = v.looseObject({
  selector: v.optional(v.looseObject({ matchLabels: v.optional(labels) })),
  concurrency: v.optional(v.number()),
  environmentVariables: v.optional(labels),
  image: v.optional(v.looseObject({ imageType: v.optional(v.string()) })),
});

/** A ProxyConfig as the API server has it. */
export interface ProxyConfigObject extends KubernetesObject {
  readonly spec?: unknown;
}

/**
 * The resource, with what it says in the mesh configuration's words.
 * @throws OutriggerError BAD_OBJECT when the spec has the wrong form
 */
export function proxyConfigResource({ metadata = {}, spec = {} }: ProxyConfigObject): ProxyConfigResource {
  const { namespace = "", name = "" } = metadata;
  const root = `ProxyConfig ${namespace}/${name} spec`;
  const { selector, concurrency, environmentVariables, image } = checked(specSchema, spec, root, "BAD_OBJECT");
  const config = checked(
    proxyConfigSchema,
    {
      ...(concurrency !== undefined && { concurrency }),
      ...(environmentVariables && { proxyMetadata: environmentVariables }),
      ...(image?.imageType !== undefined && { image: { imageType: image.imageType } }),
    },
    root,
    "BAD_OBJECT",
  );
  const matchLabels = selector?.matchLabels ?? {};
  return { namespace, config, ...(!isEmptySelector({ matchLabels }) && { selector: { matchLabels } }) };
}

/** The oldest counts where two hold for a Pod: a new one does not take over what stood. */
function byAge(one: ProxyConfigObject, other: ProxyConfigObject): number {
  // The client makes no Date of it in objects of kinds that it does not know.
  const created = ({ metadata }: ProxyConfigObject) => new Date(metadata?.creationTimestamp ?? 0).getTime();
  const name = ({ metadata }: ProxyConfigObject) => metadata?.name ?? "";
  return created(one) - created(other) || name(one).localeCompare(name(other));
}

/** Reads them all; one that cannot be read is told of, and the others count. */
export function proxyConfigResources(
  objects: readonly ProxyConfigObject[],
  refused: (error: OutriggerError) => void,
): ProxyConfigResource[] {
  return [...objects].sort(byAge).flatMap((object) => {
    try {
      return [proxyConfigResource(object)];
    } catch (error) {
      if (!(error instanceof OutriggerError)) throw error;
      refused(error);
      return [];
    }
  });
}

export interface ProxyConfigListener {
  readonly changed: (resources: readonly ProxyConfigResource[]) => void;
  readonly refused: (error: OutriggerError) => void;
  readonly trouble: (error: unknown) => void;
}

/** Follows the cluster's ProxyConfigs. Where the kind does not exist there are none, until it does. */
export function followProxyConfigs(
  client: ClusterClient,
  { changed, refused, trouble }: ProxyConfigListener,
): () => void {
  const api = client.config.makeApiClient(CustomObjectsApi);
  const { stop } = follow<ProxyConfigObject>({
    config: client.config,
    path: `/apis/${kind.group}/${kind.version}/${kind.plural}`,
    list: () => api.listClusterCustomObject(kind),
    changed: (objects) => changed(proxyConfigResources(objects, refused)),
    trouble(error) {
      if (statusOfError(error) === 404) changed([]);
      else trouble(error);
    },
  });
  return stop;
}
