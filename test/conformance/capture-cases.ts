import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Address, parseAddress } from "../../mesh/address.ts";
import type { CaptureSettingName, GivenSettings } from "../../mesh/redirect/capture-setting.ts";
import type { CaptureConfig } from "../../mesh/redirect/config.ts";
import { resolveCapture } from "../../mesh/redirect/resolve.ts";

/** The reference's settings, by the names that stand in the case files. */
export type ReferenceConfig = Readonly<Record<string, string>> & {
  readonly REDIRECT_DNS: boolean;
  readonly CAPTURE_ALL_DNS: boolean;
  readonly DROP_INVALID: boolean;
  readonly ENABLE_INBOUND_IPV6: boolean;
  readonly DNS_SERVERS_V4: readonly string[] | null;
  readonly DNS_SERVERS_V6: readonly string[] | null;
};

export interface CaptureCase {
  readonly name: string;
  readonly config: ReferenceConfig;
  readonly v4?: string | null;
  readonly v6?: string | null;
  readonly nft?: string | null;
  readonly error?: string;
  readonly nft_error?: string;
}

export interface PodCase {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly proxy_env: Readonly<Record<string, string>>;
  readonly runAsUser: number | null;
  readonly runAsGroup: number | null;
  readonly config: ReferenceConfig;
  /** The iptables-restore input for IPv4. */
  readonly golden: string;
}

export const captureFolder = join(
  process.env.OUTRIGGER_CONFORMANCE ?? join(import.meta.dirname, "../../../shared/conformance"),
  "capture",
);

/** The cases of a file, or undefined where the file is not there. */
export function readCases<Case>(file: string): Case[] | undefined {
  const path = join(captureFolder, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Case[]) : undefined;
}

/** The settings that stand as texts in both. */
const textNames: { readonly [name in CaptureSettingName]?: string } = {
  mode: "INBOUND_INTERCEPTION_MODE",
  outboundPort: "PROXY_PORT",
  inboundPort: "INBOUND_CAPTURE_PORT",
  tunnelPort: "INBOUND_TUNNEL_PORT",
  proxyUids: "PROXY_UID",
  proxyGids: "PROXY_GID",
  inboundPorts: "INBOUND_PORTS_INCLUDE",
  excludeInboundPorts: "INBOUND_PORTS_EXCLUDE",
  outboundCidrs: "OUTBOUND_IPRANGES_INCLUDE",
  excludeOutboundCidrs: "OUTBOUND_IPRANGES_EXCLUDE",
  outboundPorts: "OUTBOUND_PORTS_INCLUDE",
  excludeOutboundPorts: "OUTBOUND_PORTS_EXCLUDE",
  excludeInterfaces: "EXCLUDE_INTERFACES",
  virtualInterfaces: "KUBE_VIRT_INTERFACES",
  ownerGroups: "OUTBOUND_OWNER_GROUPS_INCLUDE",
  excludeOwnerGroups: "OUTBOUND_OWNER_GROUPS_EXCLUDE",
  loopback: "HOST_IPV4_LOOPBACK_CIDR",
  tproxyMark: "INBOUND_TPROXY_MARK",
  tproxyRouteTable: "INBOUND_TPROXY_ROUTE_TABLE",
};

function addresses(texts: readonly string[] | null): Address[] {
  return (texts ?? []).flatMap((text) => parseAddress(text) ?? []);
}

/**
 * The reference's settings as ours, read by the same function that reads the flags, with the chain named as there.
 * @throws OutriggerError for settings that are wrong
 */
export function captureConfigOf(reference: ReferenceConfig): CaptureConfig {
  const texts: [CaptureSettingName, string][] = [
    ...Object.entries(textNames).map(([name, key]): [CaptureSettingName, string] => [
      name as CaptureSettingName,
      reference[key] ?? "",
    ]),
    ["redirectDns", String(reference.REDIRECT_DNS)],
    ["captureAllDns", String(reference.CAPTURE_ALL_DNS)],
    ["dropInvalid", String(reference.DROP_INVALID)],
    ["outboundChain", "ISTIO_OUTPUT"],
  ];
  const given = Object.fromEntries(texts.map(([name, text]) => [name, { text, field: textNames[name] ?? name }]));
  return resolveCapture(given as GivenSettings, {
    addresses: addresses([reference.ENABLE_INBOUND_IPV6 ? "fd00::5" : "10.0.0.5"]),
    nameServers: [...addresses(reference.DNS_SERVERS_V4), ...addresses(reference.DNS_SERVERS_V6)],
  }).config;
}
