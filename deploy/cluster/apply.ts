import { type ApiAnswer, ApiError, type ClusterApi, type KubernetesObject } from "./api.ts";
import { objectPath } from "./resources.ts";

export interface ApplyOptions {
  /** Who owns the fields that are set. */
  readonly fieldManager: string;
  /** Take fields from other owners. */
  readonly force?: boolean;
  /** Ask the API server for the result, and change nothing. */
  readonly dryRun?: boolean;
}

/** Server-side apply of one object, with strict field validation: an unknown or doubled field is an error. */
export async function applyObject(
  api: ClusterApi,
  object: KubernetesObject,
  { fieldManager, force = false, dryRun = false }: ApplyOptions,
): Promise<ApiAnswer<KubernetesObject>> {
  return api.request({
    method: "PATCH",
    path: await objectPath(api, object),
    query: { fieldManager, force: String(force), fieldValidation: "Strict", dryRun: dryRun ? "All" : undefined },
    body: object,
    contentType: "application/apply-patch+yaml",
  });
}

/** Reads an object, or undefined if there is none. */
export async function readObject<T extends KubernetesObject = KubernetesObject>(
  api: ClusterApi,
  object: KubernetesObject,
): Promise<T | undefined> {
  try {
    return (await api.request<T>({ path: await objectPath(api, object) })).body;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** Deletes an object. False when there was none. */
export async function deleteObject(api: ClusterApi, object: KubernetesObject): Promise<boolean> {
  try {
    const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background" };
    await api.request({ method: "DELETE", path: await objectPath(api, object), body });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}
