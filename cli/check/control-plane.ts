import { lastEnd } from "../../host/last-end.ts";
import { splitPem } from "../../webhook/authority/secret-data.ts";
import type { Finding } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

const monthMs = 30 * 24 * 3_600_000;

function rootFindings(object: string, roots: string | undefined, now: Date): Finding[] {
  const certificates = splitPem(roots ?? "");
  if (certificates.length === 0) return [{ code: "OC702", object, message: "it has no root yet" }];
  const end = lastEnd(certificates);
  if (end.getTime() > now.getTime() + monthMs) return [];
  const code = end <= now ? "OC703" : "OC704";
  return [{ code, object, message: `its root is valid until ${end.toISOString()}` }];
}

/** What the sidecars of each revision connect to: that it runs, and by which root they know it. */
export function checkControlPlanes({ revisions }: Snapshot, now: Date): Finding[] {
  return revisions.flatMap(({ namespace, controlPlane }): Finding[] => {
    if (controlPlane === undefined) return [];
    const { name, deployment, roots } = controlPlane;
    const available = deployment?.status?.availableReplicas ?? 0;
    const object = `Deployment ${namespace}/${name}`;
    return [
      ...(available === 0 ? [{ code: "OC701", object, message: "no replica of discovery is available" } as const] : []),
      ...rootFindings(`ConfigMap ${namespace}/${name}`, roots?.text, now),
    ];
  });
}
