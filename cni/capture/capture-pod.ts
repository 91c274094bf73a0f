import type { GivenSettings } from "../../mesh/redirect/capture-setting.ts";
import type { CaptureConfig } from "../../mesh/redirect/config.ts";
import { resolveCapture } from "../../mesh/redirect/resolve.ts";
import { namespaceFile, requireNamespace } from "../network-namespace.ts";
import { podAddresses } from "./pod-addresses.ts";

/** Which rules of the kernel are written. */
export type RuleForm = "iptables" | "nftables";

/** Reads and writes the rules of one network namespace. */
export interface NamespaceRules {
  /** The namespace's addresses, for a network whose result does not say them: `10.0.0.5/24`. */
  addresses(namespace: string): Promise<string[]>;
  /**
   * Writes the rules, reads every family back, and takes all away again when anything is missing.
   * @throws OutriggerError APPLY_FAILED
   */
  write(namespace: string, config: CaptureConfig, form: RuleForm): Promise<void>;
  /** @throws OutriggerError VALIDATION_FAILED when the rules that stand there are not these */
  check(namespace: string, config: CaptureConfig, form: RuleForm): Promise<void>;
}

/** A Pod whose traffic is to be captured. */
export interface CaptureOrder {
  /** As the runtime sees it: `/var/run/netns/cni-…`. */
  readonly netns: string;
  readonly settings: GivenSettings;
  /** What the network's result, or the Pod's status, says; with or without prefix length. */
  readonly addresses: readonly string[];
  readonly form: RuleForm;
}

export interface CaptureContext {
  /** Where the runtime's folder of network namespaces is mounted here. */
  readonly namespaceFolder: string;
  readonly rules: NamespaceRules;
}

/** Writes a Pod's rules, or checks those that are there. Doing it again changes nothing. */
export async function capturePod(
  step: "write" | "check",
  { netns, settings, addresses, form }: CaptureOrder,
  { namespaceFolder, rules }: CaptureContext,
): Promise<void> {
  const namespace = namespaceFile(netns, namespaceFolder);
  await requireNamespace(namespace);
  const known = addresses.length > 0 ? addresses : await rules.addresses(namespace);
  // Capture of the servers of resolv.conf alone is never asked for here: DNS capture on a node is of all or nothing.
  const { config } = resolveCapture(settings, { addresses: podAddresses(known), nameServers: [] });
  await rules[step](namespace, config, form);
}
