import { OutriggerError } from "../../mesh/errors.ts";
import type { PodReport } from "../supervisor/report.ts";

/** How well a Pod fits what a person typed: its name, or its workload's (`web`, `deploy/web`). */
function fits(pod: PodReport, typed: string): "exactly" | "by-workload" | undefined {
  if (pod.name === typed || `${pod.namespace}/${pod.name}` === typed) return "exactly";
  const [kind = "", name = ""] = pod.workload.split("/");
  const [typedName = "", typedKind = ""] = typed.split("/").reverse();
  if (typedName !== name || !kind.toLowerCase().startsWith(typedKind.toLowerCase().replace(/s$/, ""))) return undefined;
  return "by-workload";
}

function refuse(typed: string, message: string, candidates: readonly PodReport[]): never {
  const names = candidates.map(({ namespace, name }) => `${namespace}/${name}`).join(", ");
  const remedy = names === "" ? "see: outrigger sandbox ps" : `choose one of: ${names}`;
  throw new OutriggerError("SANDBOX_FAILED", [{ field: "Pod", value: typed, message, remedy }]);
}

/**
 * The Pod that a person means: by its name, or by its workload's, whose first ready Pod it then is.
 * @throws OutriggerError when there is none, or there are such Pods in several namespaces
 */
export function findPod(pods: readonly PodReport[], typed: string, namespace: string | undefined): PodReport {
  const inReach = pods.filter((pod) => namespace === undefined || pod.namespace === namespace);
  const exact = inReach.filter((pod) => fits(pod, typed) === "exactly");
  const found = exact.length > 0 ? exact : inReach.filter((pod) => fits(pod, typed) === "by-workload");
  if (new Set(found.map((pod) => pod.namespace)).size > 1) refuse(typed, "is in several namespaces", found);
  const chosen = found.find(({ isReady }) => isReady) ?? found[0];
  return chosen ?? refuse(typed, "is not in the sandbox", inReach);
}
