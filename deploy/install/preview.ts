import { createTwoFilesPatch } from "diff";
import { ApiError, type ClusterApi, type KubernetesObject } from "../cluster/api.ts";
import { applyObject, readObject } from "../cluster/apply.ts";
import { fieldManager, refusal } from "./apply-all.ts";
import { comparable } from "./comparable.ts";
import { describeObject } from "./progress.ts";

/** What applying would make of the object. In a namespace that is not there yet, that is the object itself. */
async function result(api: ClusterApi, object: KubernetesObject, force: boolean): Promise<KubernetesObject> {
  try {
    return (await applyObject(api, object, { fieldManager, force, dryRun: true })).body;
  } catch (error) {
    const inNewNamespace = error instanceof ApiError && error.status === 404 && object.metadata.namespace !== undefined;
    if (inNewNamespace) return object;
    throw refusal(object, error);
  }
}

/** The unified diff between an object as it is and as it would be; empty when applying changes nothing. */
export async function previewObject(api: ClusterApi, object: KubernetesObject, force: boolean): Promise<string> {
  const live = await readObject(api, object);
  const before = live === undefined ? "" : comparable(live);
  const after = comparable(await result(api, object, force));
  if (before === after) return "";
  const name = describeObject(object);
  return createTwoFilesPatch(live === undefined ? "/dev/null" : name, name, before, after, "", "", { context: 3 });
}
