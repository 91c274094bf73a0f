import type { IConfigMap } from "kubernetes-models/v1";
import type { InstallSettings } from "../settings.ts";
import { commonLabels, configurationName } from "./names.ts";

/**
 * The injection's configuration, as the webhook follows it. What is not set here belongs to whoever edits the ConfigMap,
 * and is left alone when this is applied again.
 */
export function configuration(settings: InstallSettings): IConfigMap {
  const { configuration: data } = settings.injection;
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: configurationName(settings), namespace: settings.namespace, labels: commonLabels(settings) },
    ...(Object.keys(data).length > 0 && { data }),
  };
}
