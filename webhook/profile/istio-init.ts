import type { Container } from "../../mesh/pod.ts";
import type { PodOptions } from "../pod-options.ts";
import { captureArguments } from "./capture-arguments.ts";
import { initImage } from "./image.ts";
import { captureContainer, groupArguments } from "./init-container.ts";
import { logArguments } from "./istio-arguments.ts";
import { metadataEnv } from "./istio-env.ts";
import { sidecarResources } from "./resources.ts";

/** What the command does besides writing rules: check them under CNI, or replace what stands there. */
function modeArguments({ settings }: PodOptions): string[] {
  const { pilot, global } = settings.values;
  const check = pilot.cni.enabled ? ["--run-validation", "--skip-rule-apply"] : [];
  const force = !pilot.cni.enabled && global.proxy_init.forceApplyIptables ? ["--force-apply"] : [];
  return [...check, ...force, ...(global.nativeNftables ? ["--native-nftables"] : [])];
}

/** Under TPROXY the proxy is root, and its traffic is known by its group alone. Istio leaves it to the user's number. */
function transparentGroup(options: PodOptions): string[] {
  return options.mode === "TPROXY" ? groupArguments(options) : [];
}

/** istio-init, or istio-validation under CNI, as Istio's injector writes it. */
export function istioInit(options: PodOptions): Container[] {
  const { imagePullPolicy } = options.settings.values.global;
  const env = metadataEnv(options);
  return captureContainer(options, {
    image: initImage(options),
    args: [
      "istio-iptables",
      ...captureArguments(options),
      ...transparentGroup(options),
      ...logArguments(options),
      ...modeArguments(options),
    ],
    resources: sidecarResources(options),
    ...(imagePullPolicy !== "" && { imagePullPolicy }),
    ...(env.length > 0 && { env }),
  });
}
