import { OutriggerError } from "../../mesh/errors.ts";
import { ApiError, type ClusterApi, type KubernetesObject } from "../cluster/api.ts";
import { applyObject, readObject } from "../cluster/apply.ts";
import { comparable } from "./comparable.ts";
import { describeObject, type Report, type Verb } from "./progress.ts";

/** The owner of the fields that an installation sets. */
export const fieldManager = "outrigger";

export interface ApplyAllOptions {
  readonly report: Report;
  /** Take over fields that somebody else has set. */
  readonly force: boolean;
}

function verbOf(before: KubernetesObject | undefined, after: KubernetesObject): Verb {
  if (before === undefined) return "created";
  // Not by the resourceVersion, which a controller moves with every status.
  return comparable(before) === comparable(after) ? "unchanged" : "changed";
}

/** The API server's refusal as an error that names the object. */
export function refusal(object: KubernetesObject, error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const field = describeObject(object);
  const conflict = error.reason === "Conflict";
  const remedy = conflict ? { remedy: "take the fields over with --force-conflicts, or give them back" } : {};
  return new OutriggerError(
    "CLUSTER_FAILED",
    [{ field, message: `was refused by the API server: ${error.message}`, ...remedy }],
    { cause: error },
  );
}

/** Applies the objects in order and tells of each whether that changed anything. */
export async function applyAll(
  api: ClusterApi,
  objects: readonly KubernetesObject[],
  { report, force }: ApplyAllOptions,
): Promise<void> {
  for (const object of objects) {
    try {
      const before = await readObject(api, object);
      const after = (await applyObject(api, object, { fieldManager, force })).body;
      report({ verb: verbOf(before, after), object });
    } catch (error) {
      throw refusal(object, error);
    }
  }
}
