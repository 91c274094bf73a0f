import * as v from "valibot";

/** Versions of the CNI specification that the plugin speaks. Source: https://www.cni.dev/docs/spec/ */
export const cniVersions = ["0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;

/** The capability by which containerd hands a Pod's annotations to a plugin. */
export const podAnnotationsCapability = "io.kubernetes.cri.pod-annotations";

const strings = v.optional(v.array(v.string()), []);

const previousResult = v.looseObject({
  ips: v.optional(v.array(v.looseObject({ address: v.string() })), []),
});

/**
 * What arrives on the plugin's standard input: the entry in the node's conflist, with what the runtime adds. Only what
 * Outrigger reads is named; the plugin itself passes prevResult on, byte for byte.
 */
export const networkConfiguration = v.looseObject({
  cniVersion: v.picklist(cniVersions, `must be one of ${cniVersions.join(", ")}`),
  exclude_namespaces: strings,
  agent: v.optional(v.object({ namespace: v.string(), pod_prefix: v.string() })),
  native_nftables: v.optional(v.boolean(), false),
  runtimeConfig: v.optional(
    v.looseObject({ [podAnnotationsCapability]: v.optional(v.nullable(v.record(v.string(), v.string()))) }),
    {},
  ),
  prevResult: v.optional(v.nullable(previousResult)),
});

export type NetworkConfiguration = v.InferOutput<typeof networkConfiguration>;
