import { ContainerConfigError } from "../container/environment.ts";
import type { VolumeSpec } from "../pod/schema.ts";
import { downwardFiles, keyedFiles, projectedFiles, type VolumeFile, type VolumeInput } from "./files.ts";

/** What a volume is in the sandbox. */
export type VolumePlan =
  /** A folder that the Pod's containers share and write to; it lasts as long as the Pod. */
  | { readonly type: "scratch"; readonly name: string }
  /** A folder of files that only we write. */
  | { readonly type: "files"; readonly name: string; readonly files: readonly VolumeFile[] }
  /** A folder or file of this machine, which stays as it is: read-only. */
  | { readonly type: "host"; readonly name: string; readonly path: string };

function planVolume(volume: VolumeSpec, input: VolumeInput): VolumePlan {
  const { name, configMap, secret, downwardAPI, projected, hostPath } = volume;
  const files = (list: readonly VolumeFile[]): VolumePlan => ({ type: "files", name, files: list });
  if (configMap !== undefined) return files(keyedFiles("configmap", configMap, configMap.defaultMode, input));
  if (secret !== undefined) {
    return files(keyedFiles("secret", { ...secret, name: secret.secretName }, secret.defaultMode, input));
  }
  if (downwardAPI !== undefined) return files(downwardFiles(downwardAPI.items, downwardAPI.defaultMode, input));
  if (projected !== undefined) return files(projectedFiles(projected.sources, projected.defaultMode, input));
  if (hostPath !== undefined) return { type: "host", name, path: hostPath.path };
  const isScratch = volume.emptyDir ?? volume.persistentVolumeClaim ?? volume.ephemeral;
  // A volume that names no type is an emptyDir (Kubernetes' own default).
  const types = Object.keys(volume).filter((key) => key !== "name" && volume[key] !== undefined);
  if (isScratch !== undefined || types.length === 0) return { type: "scratch", name };
  throw new ContainerConfigError(`it is a ${types.join(", ")}, which the sandbox has not`);
}

/**
 * Plans a Pod's volumes.
 * @throws ContainerConfigError for a volume whose source is not there, or whose type the sandbox has not
 */
export function planVolumes(volumes: readonly VolumeSpec[], input: VolumeInput): VolumePlan[] {
  return volumes.map((volume) => {
    try {
      return planVolume(volume, input);
    } catch (error) {
      if (!(error instanceof ContainerConfigError)) throw error;
      throw new ContainerConfigError(`volume "${volume.name}": ${error.message}`, "FailedMount");
    }
  });
}
