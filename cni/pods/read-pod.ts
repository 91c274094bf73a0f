import { OutriggerError } from "../../mesh/errors.ts";
import type { Pod } from "../../mesh/pod.ts";
import type { PodIdentity } from "../pod-identity.ts";
import { isMeant, type PodIndex } from "./pod-index.ts";

/** Asks the API server for one Pod; undefined when there is none. */
export type FetchPod = (identity: PodIdentity) => Promise<Pod | undefined>;

function unknown({ namespace, name, uid }: PodIdentity, message: string, remedy: string, cause?: unknown) {
  const problem = { field: `Pod ${namespace}/${name} (${uid ?? "UID unknown"})`, message, remedy };
  return new OutriggerError("POD_UNKNOWN", [problem], { cause });
}

/**
 * Reads the Pod that the runtime means: from what the node agent already knows, else from the API server, since the
 * kubelet may have heard of a new Pod a moment earlier.
 * @throws OutriggerError POD_UNKNOWN when neither knows it, or the API server does not answer
 */
export async function readPod(identity: PodIdentity, index: PodIndex, fetchPod: FetchPod): Promise<Pod> {
  const known = index.find(identity);
  if (known !== undefined) return known;
  let fetched: Pod | undefined;
  try {
    fetched = await fetchPod(identity);
  } catch (cause) {
    const message = `cannot be read: ${(cause as Error).message}`;
    throw unknown(identity, message, "see whether the API server can be reached from this node", cause);
  }
  if (fetched !== undefined && isMeant(fetched, identity)) return fetched;
  throw unknown(identity, "does not exist any more", "nothing, if it was deleted; this is tried again");
}
