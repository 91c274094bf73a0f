import { readCidrs, readCidrsOrAll, readLoopbackCidr } from "../cidr.ts";
import { type InterceptionMode, interceptionModes } from "../interception-mode.ts";
import { readInterfaces } from "../interface-names.ts";
import { chains, istioOutboundChain } from "../names.ts";
import { readPort, readPorts, readPortsOrAll } from "../port-list.ts";
import { ports } from "../ports.ts";
import { accept, type Reading, refuse } from "../reading.ts";
import { readGroups, readGroupsOrAll, readIds } from "./owner-list.ts";
import { readMark, readRouteTable } from "./tproxy-numbers.ts";

/** Reads an interception mode; the empty text is REDIRECT. */
function readMode(text: string): Reading<InterceptionMode> {
  const mode = interceptionModes.find((known) => known === (text === "" ? "REDIRECT" : text));
  return mode === undefined ? refuse("is not an interception mode", "use REDIRECT or TPROXY") : accept(mode);
}

/** Reads a truth value in one of the spellings that Kubernetes' tools share. */
export function readBoolean(text: string): Reading<boolean> {
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return accept(true);
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return accept(false);
  return refuse("is not a truth value", 'use "true" or "false"');
}

function readOutboundChain(text: string): Reading<typeof chains.outbound | typeof istioOutboundChain> {
  if (text === chains.outbound || text === istioOutboundChain) return accept(text);
  return refuse("is not a name for the outbound chain", `use ${chains.outbound}, or ${istioOutboundChain} as in Istio`);
}

/** A setting of capture: the flag that sets it, the text it has by default, and how that text is read. */
export interface CaptureSetting<T> {
  /** The long flag, without dashes. Settings that Istio takes from the environment alone have flags too. */
  readonly flag: string;
  readonly default: string;
  readonly read: (text: string) => Reading<T>;
  /** The environment variables that set it; the first that is set counts. */
  readonly variables: readonly string[];
  /** Whether a variable may set it to nothing; elsewhere an empty variable counts as unset. */
  readonly emptyCounts: boolean;
}

/** The variable that has the flag's own name. */
export function ownVariable(flag: string): string {
  return flag.toUpperCase().replaceAll("-", "_");
}

function setting<T>(
  flag: string,
  byDefault: string,
  read: (text: string) => Reading<T>,
  { more = [], emptyCounts = false }: { more?: readonly string[]; emptyCounts?: boolean } = {},
): CaptureSetting<T> {
  return { flag, default: byDefault, read, variables: [ownVariable(flag), ...more], emptyCounts };
}

/** Every setting of capture. Names and defaults are those of istio-iptables. */
export const captureSettingTable = {
  mode: setting("istio-inbound-interception-mode", "", readMode),
  outboundPort: { ...setting("envoy-port", String(ports.outbound), readPort), variables: [] },
  inboundPort: setting("inbound-capture-port", String(ports.inbound), readPort),
  tunnelPort: setting("inbound-tunnel-port", String(ports.tunnel), readPort),
  proxyUids: setting("proxy-uid", "", readIds),
  proxyGids: setting("proxy-gid", "", readIds),
  inboundPorts: setting("istio-inbound-ports", "", readPortsOrAll),
  excludeInboundPorts: setting("istio-local-exclude-ports", "", readPorts),
  outboundCidrs: setting("istio-service-cidr", "", readCidrsOrAll),
  excludeOutboundCidrs: setting("istio-service-exclude-cidr", "", readCidrs),
  outboundPorts: setting("istio-outbound-ports", "", readPorts),
  excludeOutboundPorts: setting("istio-local-outbound-ports-exclude", "", readPorts),
  excludeInterfaces: setting("istio-exclude-interfaces", "", readInterfaces),
  virtualInterfaces: setting("kube-virt-interfaces", "", readInterfaces),
  ownerGroups: setting("istio-outbound-owner-groups", "*", readGroupsOrAll, { emptyCounts: true }),
  excludeOwnerGroups: setting("istio-outbound-owner-groups-exclude", "", readGroups),
  loopback: setting("istio-outbound-ipv4-loopback-cidr", "127.0.0.1/32", readLoopbackCidr),
  redirectDns: setting("redirect-dns", "false", readBoolean, { more: ["ISTIO_META_DNS_CAPTURE"] }),
  captureAllDns: setting("capture-all-dns", "false", readBoolean),
  dropInvalid: setting("drop-invalid", "false", readBoolean, { more: ["INVALID_DROP"] }),
  dualStack: setting("dual-stack", "false", readBoolean, { more: ["ISTIO_DUAL_STACK"] }),
  tproxyMark: setting("istio-inbound-tproxy-mark", "1337", readMark),
  tproxyRouteTable: setting("istio-inbound-tproxy-route-table", "133", readRouteTable),
  outboundChain: setting("outbound-chain", chains.outbound, readOutboundChain),
} as const;

export type CaptureSettingName = keyof typeof captureSettingTable;

/** A setting as a person gave it: its text, and where that stands (a flag, a variable, an annotation). */
export interface GivenText {
  readonly text: string;
  readonly field: string;
}

/** The settings that were given; the others have their defaults. */
export type GivenSettings = { readonly [name in CaptureSettingName]?: GivenText };

/** The variable that sets a setting, and its text; undefined where none does. */
export function fromVariables(
  { variables, emptyCounts }: Pick<CaptureSetting<unknown>, "variables" | "emptyCounts">,
  textOf: (variable: string) => string | undefined,
): { readonly variable: string; readonly text: string } | undefined {
  const set = variables.map((variable) => ({ variable, text: textOf(variable) }));
  const found = set.find(({ text }) => text) ?? (emptyCounts ? set.find(({ text }) => text === "") : undefined);
  return found?.text === undefined ? undefined : { variable: found.variable, text: found.text };
}
