import { join } from "node:path";
import { type DiscoveredPod, discoveryObjects } from "../discovery/objects.ts";
import { startDiscovery } from "../discovery/process.ts";
import { families } from "../network/addresses.ts";
import type { PlacedService } from "../network/services.ts";
import { type TokenIssuer, tokenIssuer } from "../volume/token.ts";
import type { SandboxSpec } from "./messages.ts";
import { backendOf, type LivePod } from "./pods.ts";

/** The control plane of a sandbox. */
export interface SandboxDiscovery {
  readonly webhookFlags: readonly string[];
  /** Says that Pods have changed. Many calls at once make one update. */
  readonly refresh: (pods: readonly LivePod[]) => void;
  readonly stop: () => Promise<void>;
}

/** The sandbox's description with more flags for its webhook. */
export function withFlags(spec: SandboxSpec, flags: readonly string[]): SandboxSpec {
  return { ...spec, webhook: { ...spec.webhook, flags: [...spec.webhook.flags, ...flags] } };
}

function discovered(live: LivePod): DiscoveredPod[] {
  const { object: pod, ips } = live;
  if (pod === undefined || pod.spec.hostNetwork || live.isReplaced) return [];
  const { metadata, spec } = pod;
  const ports = [...spec.initContainers, ...spec.containers].flatMap((container) => container.ports);
  const { workload } = live.wanted;
  return [{ metadata, workload, serviceAccountName: spec.serviceAccountName, ips, backend: backendOf(live), ports }];
}

/** Starts the control plane, if the sandbox is to have one. */
export async function sandboxDiscovery(
  spec: SandboxSpec,
  tokens: TokenIssuer,
  services: readonly PlacedService[],
): Promise<SandboxDiscovery | undefined> {
  if (!spec.discovery) return undefined;
  const [family = "IPv4"] = spec.ipFamilies;
  const discovery = await startDiscovery({
    node: process.execPath,
    project: spec.project,
    address: families[family].node,
    folder: join(spec.runFolder, "private", "discovery"),
    logFile: join(spec.runFolder, "discovery.log"),
    tokens: { publicKey: tokens.publicKey, issuer: tokenIssuer },
  });
  let newest: readonly LivePod[] = [];
  let isDue = false;
  return {
    webhookFlags: discovery.webhookFlags,
    refresh(pods) {
      newest = pods;
      if (isDue) return;
      isDue = true;
      setImmediate(() => {
        isDue = false;
        discovery.write(discoveryObjects(services, newest.flatMap(discovered)));
      });
    },
    stop: discovery.stop,
  };
}
