import { OutriggerError, type Problem } from "../../mesh/errors.ts";
import { isObject } from "../../mesh/json.ts";
import type { JsonObject, Pod, Volume } from "../../mesh/pod.ts";
import { readStatus } from "./injection-status.ts";

/** The volumes of an overlay. */
export function overlayVolumes(overlay: JsonObject): Volume[] {
  const volumes = isObject(overlay.spec) ? overlay.spec.volumes : undefined;
  return Array.isArray(volumes) ? (volumes as Volume[]) : [];
}

/**
 * Looks at volumes of the user's own that bear an injected volume's name. Where only one says where the volume comes
 * from, the two make one volume; the author is warned.
 * @throws OutriggerError BAD_OBJECT where both do: Kubernetes would refuse such a volume, and say nothing of injection
 */
export function volumeWarnings(pod: Pod, overlay: JsonObject, merged: Pod): string[] {
  const former = readStatus(pod)?.volumes ?? [];
  const own = new Set(pod.spec.volumes?.map(({ name }) => name).filter((name) => !former.includes(name)));
  const shared = overlayVolumes(overlay).filter(({ name }) => own.has(name));
  if (shared.length === 0) return [];
  const problems = shared.flatMap(({ name }): Problem[] => {
    const volume = merged.spec.volumes?.find((one) => one.name === name) ?? { name };
    const sources = Object.keys(volume).filter((field) => field !== "name");
    if (sources.length < 2) return [];
    const message = `is a volume that injection adds; together they would be of two kinds (${sources.join(" and ")})`;
    return [{ field: "spec.volumes", value: name, message, remedy: "give the Pod's volume another name" }];
  });
  if (problems.length > 0) throw new OutriggerError("BAD_OBJECT", problems);
  return shared.map(
    ({ name }) => `the Pod's volume ${name} has the name of one that injection adds, and is used for it`,
  );
}
