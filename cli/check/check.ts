import { checkControlPlanes } from "./control-plane.ts";
import type { Finding } from "./finding.ts";
import { checkCertificates, checkCluster, checkWebhooks } from "./installation.ts";
import { checkOthers } from "./others.ts";
import { checkSelectors } from "./selectors.ts";
import { checkSidecars } from "./sidecars.ts";
import type { Snapshot } from "./snapshot.ts";

/** Everything that can be said of a cluster, in the order in which a person would mend it. */
export function checkSnapshot(snapshot: Snapshot, now: Date): Finding[] {
  return [
    ...checkCluster(snapshot),
    ...checkWebhooks(snapshot),
    ...checkCertificates(snapshot, now),
    ...checkControlPlanes(snapshot, now),
    ...checkSelectors(snapshot),
    ...checkOthers(snapshot),
    ...checkSidecars(snapshot),
  ];
}
