import * as v from "valibot";
import { podCertificate } from "../../mesh/envoy/pod-certificate.ts";
import { containers } from "../../mesh/names.ts";
import type { PodObject } from "./objects.ts";

const projectedSchema = v.object({
  projected: v.object({
    sources: v.array(
      v.object({
        podCertificate: v.optional(
          v.object({
            signerName: v.string(),
            keyPath: v.literal(podCertificate.key),
            certificateChainPath: v.literal(podCertificate.chain),
          }),
        ),
      }),
    ),
  }),
});

/**
 * Whom the kubelet has sign the certificate that Envoy can read at the place agreed upon; undefined where it cannot. An API
 * server that does not offer Pod certificates takes the source out of the volume: such a Pod has none.
 */
export function certificateSignerOf({ spec }: PodObject): string | undefined {
  const all = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const mounts = all.find(({ name }) => name === containers.proxy)?.volumeMounts ?? [];
  const mount = mounts.find(({ mountPath }) => mountPath === podCertificate.folder);
  const volume = mount && spec?.volumes?.find(({ name }) => name === mount.name);
  if (volume === undefined) return undefined;
  const parsed = v.safeParse(projectedSchema, volume);
  const sources = parsed.success ? parsed.output.projected.sources : [];
  return sources.find((source) => source.podCertificate !== undefined)?.podCertificate?.signerName;
}
