import type { InstallSettings } from "../settings.ts";
import { commonLabels } from "./names.ts";

/** The DaemonSet and what belongs to it. There is one node agent in a cluster, whatever revisions there are. */
export const cniName = "outrigger-cni";

export const cniHealthPort = 15025;

/** What selects the agent's Pods. */
export const cniSelector = { app: cniName } as const;

/** The names of objects that belong to no namespace start with the namespace that they serve. */
export function cniClusterWideName({ cni }: Pick<InstallSettings, "cni">, part?: string): string {
  return part === undefined ? `${cni.namespace}-${cniName}` : `${cni.namespace}-${cniName}-${part}`;
}

export function cniMetadata(settings: InstallSettings, name: string = cniName) {
  return { name, namespace: settings.cni.namespace, labels: commonLabels(settings) };
}
