import { ApiError, type ClusterApi, type KubernetesObject } from "./api.ts";

/** What the API server says of a kind. */
export interface Resource {
  readonly kind: string;
  /** The plural in paths, such as `deployments`. */
  readonly name: string;
  readonly namespaced: boolean;
}

const known = new WeakMap<ClusterApi, Map<string, Promise<readonly Resource[]>>>();

function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

async function discover(api: ClusterApi, apiVersion: string): Promise<readonly Resource[]> {
  try {
    const { body } = await api.request<{ resources: readonly Resource[] }>({ path: groupPath(apiVersion) });
    return body.resources.filter(({ name }) => !name.includes("/"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}

/** The resource of a kind, or undefined when the cluster has none: its CustomResourceDefinition is not installed. */
export async function findResource(api: ClusterApi, apiVersion: string, kind: string): Promise<Resource | undefined> {
  const groups = known.get(api) ?? new Map<string, Promise<readonly Resource[]>>();
  known.set(api, groups);
  const asked = groups.get(apiVersion) ?? discover(api, apiVersion);
  groups.set(apiVersion, asked);
  const found = (await asked).find((resource) => resource.kind === kind);
  // It may be installed a moment later.
  if (found === undefined) groups.delete(apiVersion);
  return found;
}

async function mustFind(api: ClusterApi, apiVersion: string, kind: string): Promise<Resource> {
  const resource = await findResource(api, apiVersion, kind);
  if (resource === undefined) throw new ApiError(404, "NotFound", `the cluster has no kind ${apiVersion} ${kind}`);
  return resource;
}

/** The path of all objects of a kind, in one namespace or in all. */
export async function collectionPath(
  api: ClusterApi,
  apiVersion: string,
  kind: string,
  namespace?: string,
): Promise<string> {
  const resource = await mustFind(api, apiVersion, kind);
  const place = resource.namespaced && namespace !== undefined ? `/namespaces/${namespace}` : "";
  return `${groupPath(apiVersion)}${place}/${resource.name}`;
}

/** The path of one object. */
export async function objectPath(api: ClusterApi, object: KubernetesObject): Promise<string> {
  const { name, namespace = "default" } = object.metadata;
  return `${await collectionPath(api, object.apiVersion, object.kind, namespace)}/${encodeURIComponent(name)}`;
}

/** A list's `labelSelector` for objects that have all of these labels. */
export function labelSelectorOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
}
