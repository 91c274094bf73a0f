import type { CaptureSettingName, GivenSettings } from "../../mesh/redirect/capture-setting.ts";
import { alwaysExcludedPorts, type CaptureSource, captureTexts, withStatusPort } from "../../mesh/redirect/settings.ts";
import type { PodOptions } from "../pod-options.ts";

/** The texts that are set: an empty value of the configuration says nothing. */
function set(texts: { readonly [name in CaptureSettingName]?: string }): typeof texts {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ""));
}

/** What counts besides the Pod's annotations: the mesh's configuration. Variables reach istio-init by themselves. */
function sourceOf({ settings, mode, statusPort, ids }: PodOptions): CaptureSource {
  const { proxy } = settings.values.global;
  return {
    defaults: {
      outboundPort: String(settings.mesh.proxyListenPort),
      inboundPort: String(settings.mesh.proxyInboundListenPort),
      mode,
      outboundCidrs: proxy.includeIPRanges,
      excludeOutboundCidrs: proxy.excludeIPRanges,
      inboundPorts: proxy.includeInboundPorts,
      excludeInboundPorts: proxy.excludeInboundPorts,
      ...set({ outboundPorts: proxy.includeOutboundPorts, excludeOutboundPorts: proxy.excludeOutboundPorts }),
    },
    variables: {},
    excludedInboundPorts: (listed) => withStatusPort(listed, statusPort),
    ids,
  };
}

/** The source of istio-init: ports of the sidecar's own go first in its list, in Istio's order. */
function initSource(options: PodOptions): CaptureSource {
  const source = sourceOf(options);
  return {
    ...source,
    excludedInboundPorts: (listed, pod) => [...alwaysExcludedPorts, ...source.excludedInboundPorts(listed, pod)],
  };
}

/** What a Pod's capture is to be, as texts of the init command's flags. */
export function captureValues(options: PodOptions): GivenSettings {
  return captureTexts(options.pod, sourceOf(options));
}

/** The init command's short flags, in Istio's order. */
const flags: readonly (readonly [string, CaptureSettingName])[] = [
  ["-p", "outboundPort"],
  ["-z", "inboundPort"],
  ["-u", "proxyUids"],
  ["-m", "mode"],
  ["-i", "outboundCidrs"],
  ["-x", "excludeOutboundCidrs"],
  ["-b", "inboundPorts"],
  ["-d", "excludeInboundPorts"],
  ["-q", "outboundPorts"],
  ["-o", "excludeOutboundPorts"],
  ["-k", "virtualInterfaces"],
  ["-c", "excludeInterfaces"],
];

/** The init command's flags for a Pod's capture settings; a setting that nothing speaks of is left out. */
export function captureArguments(options: PodOptions): string[] {
  const texts = captureTexts(options.pod, initSource(options));
  return flags.flatMap(([flag, name]) => {
    const text = texts[name]?.text;
    return text === undefined ? [] : [flag, text];
  });
}
