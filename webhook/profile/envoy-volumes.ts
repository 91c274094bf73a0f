import type { Container, Volume } from "../../mesh/pod.ts";
import type { PodOptions } from "../pod-options.ts";
import type { PodOverlay } from "../template/template.ts";
import type { DiscoveryParts } from "./envoy-discovery.ts";
import { customBootstrap, userVolumes } from "./istio-volumes.ts";

type MountedVolumes = Pick<DiscoveryParts, "volumes" | "volumeMounts">;

/** Volumes of the user's own for the proxy, and the ConfigMap with a bootstrap of the user's own. */
export function ownVolumes(options: PodOptions): MountedVolumes {
  const bootstrap = customBootstrap(options);
  const { volumes, mounts } = userVolumes(options);
  return {
    volumes: [...bootstrap.map(({ volume }) => volume), ...volumes],
    volumeMounts: [...bootstrap.map(({ mount }) => mount), ...mounts],
  };
}

/** The Pod's part of the volumes; none where there are none. */
export function podVolumes(...parts: readonly MountedVolumes[]): PodOverlay & { volumes?: Volume[] } {
  const volumes = parts.flatMap((part) => part.volumes);
  return volumes.length > 0 ? { volumes } : {};
}

/** The container's part. */
export function containerMounts(...parts: readonly MountedVolumes[]): Pick<Container, "volumeMounts"> {
  const volumeMounts = parts.flatMap((part) => part.volumeMounts);
  return volumeMounts.length > 0 ? { volumeMounts } : {};
}
