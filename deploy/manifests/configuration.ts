import type { IConfigMap } from "kubernetes-models/v1";
import type { InstallSettings } from "../settings.ts";
import { commonLabels, configurationName } from "./names.ts";

/** The injection's configuration, as the webhook watches it. */
export function configuration(settings: InstallSettings): IConfigMap {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: configurationName(settings), namespace: settings.namespace, labels: commonLabels(settings) },
    data: {},
  };
}
