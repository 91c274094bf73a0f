import { ApiError, type ClusterApi, connect } from "../../deploy/cluster/api.ts";
import { OutriggerError } from "../../mesh/errors.ts";

/** Network trouble has a code, and no kubeconfig ends in the client's refusal of plain HTTP. */
function isOfCluster(error: unknown): error is Error {
  if (error instanceof ApiError) return true;
  return (
    error instanceof Error && ("code" in error || error.name === "TimeoutError" || /HTTP protocol/.test(error.message))
  );
}

/**
 * Does something with the cluster that the kubeconfig names.
 * @throws OutriggerError CLUSTER_FAILED when the cluster cannot be reached or refuses
 */
export async function withCluster<T>(context: string | undefined, work: (api: ClusterApi) => Promise<T>): Promise<T> {
  try {
    return await work(await connect(context));
  } catch (error) {
    if (!isOfCluster(error)) throw error;
    const message = `cannot be asked: ${error.message}`;
    const remedy = "look at KUBECONFIG and --context, and at what you are allowed to read";
    throw new OutriggerError("CLUSTER_FAILED", [{ field: "the cluster", message, remedy }], { cause: error });
  }
}
