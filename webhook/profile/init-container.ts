import { containers } from "../../mesh/names.ts";
import type { Container, SecurityContext } from "../../mesh/pod.ts";
import type { PodOptions } from "../pod-options.ts";

/** istio-init writes rules, as root with two capabilities and nothing else. */
function writerContext({ settings }: PodOptions): SecurityContext {
  const { privileged } = settings.values.global.proxy;
  return {
    allowPrivilegeEscalation: privileged,
    privileged,
    capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
    readOnlyRootFilesystem: false,
    runAsGroup: 0,
    runAsNonRoot: false,
    runAsUser: 0,
  };
}

/** istio-validation looks whether the node wrote the rules, as the proxy's user and without any capability. */
function validatorContext({ settings, mode, ids }: PodOptions): SecurityContext {
  const { privileged } = settings.values.global.proxy;
  const user = mode === "TPROXY" ? { runAsNonRoot: false, runAsUser: 0 } : { runAsNonRoot: true, runAsUser: ids.user };
  return {
    allowPrivilegeEscalation: privileged,
    privileged,
    capabilities: { drop: ["ALL"] },
    readOnlyRootFilesystem: true,
    runAsGroup: ids.group,
    ...user,
  };
}

/** The proxy's group, where it is not the number of its user: what the init command takes it for. */
export function groupArguments({ ids }: PodOptions): string[] {
  return ids.group === ids.user ? [] : ["-g", String(ids.group)];
}

/** The container that makes, or under CNI checks, the capture; none where nothing is captured. */
export function captureContainer(
  options: PodOptions,
  rest: Pick<Container, "image" | "args" | "resources"> & Partial<Container>,
): Container[] {
  if (options.mode === "NONE") return [];
  const cni = options.settings.values.pilot.cni.enabled;
  const { seccompProfile, ...securityContext } = {
    ...(cni ? validatorContext(options) : writerContext(options)),
    seccompProfile: options.settings.values.global.proxy.seccompProfile ?? {},
  };
  return [
    {
      name: cni ? containers.validation : containers.init,
      ...rest,
      securityContext:
        Object.keys(seccompProfile).length > 0 ? { ...securityContext, seccompProfile } : securityContext,
    },
  ];
}
