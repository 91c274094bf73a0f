import { annotations } from "../mesh/names.ts";
import type { Pod } from "../mesh/pod.ts";
import { annotationOf } from "../mesh/pod-metadata.ts";
import type { ProxyConfig } from "./config/proxy-config.ts";
import { mergeProxyConfig, readProxyConfig } from "./config/proxy-config-merge.ts";
import type { InjectionContext } from "./injection-context.ts";
import type { InjectionSettings } from "./settings.ts";

/**
 * A Pod's ProxyConfig. Later ones win: the mesh's, the root namespace's resource, the Pod's namespace's, the Pod's
 * annotation, and the resource that selects the Pod.
 * @throws OutriggerError BAD_OBJECT if the annotation has the wrong form
 */
export function effectiveProxyConfig(
  pod: Pod,
  { mesh }: InjectionSettings,
  { facts, namespace }: InjectionContext,
): ProxyConfig {
  const own = annotationOf(pod, annotations.proxyConfig);
  const podNamespace = pod.metadata.namespace || namespace;
  const layers = [
    facts.proxyConfig(mesh.rootNamespace, undefined),
    podNamespace === mesh.rootNamespace ? undefined : facts.proxyConfig(podNamespace, undefined),
    own === undefined ? undefined : readProxyConfig(own, `metadata.annotations["${annotations.proxyConfig}"]`),
    facts.proxyConfig(podNamespace, pod.metadata.labels ?? {}),
  ];
  return layers.reduce<ProxyConfig>(
    (config, layer) => (layer === undefined ? config : mergeProxyConfig(config, layer)),
    mesh.defaultConfig,
  );
}
