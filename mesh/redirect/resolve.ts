import type { Address } from "../address.ts";
import { OutriggerError, type Problem } from "../errors.ts";
import {
  type CaptureSetting,
  type CaptureSettingName,
  captureSettingTable,
  type GivenSettings,
} from "./capture-setting.ts";
import type { CaptureConfig, DnsCapture, InboundCapture, OwnerGroups } from "./config.ts";

/** What capture depends on besides its settings: facts of the Pod's network namespace. */
export interface HostFacts {
  /** Addresses other than loopback and link-local ones. */
  readonly addresses: readonly Address[];
  /** The name servers of /etc/resolv.conf, in order. */
  readonly nameServers: readonly Address[];
}

/** A configuration, and what its author may not have meant. */
export interface ResolvedCapture {
  readonly config: CaptureConfig;
  readonly warnings: readonly Problem[];
}

type SettingTable = typeof captureSettingTable;
type Values = { readonly [name in CaptureSettingName]: SettingTable[name] extends CaptureSetting<infer T> ? T : never };

/** A setting's text: the one given, else the default; the proxy's group is its user by default. */
function textOf(given: GivenSettings, name: CaptureSettingName): string {
  const fallback = name === "proxyGids" ? given.proxyUids?.text : undefined;
  return given[name]?.text ?? fallback ?? captureSettingTable[name].default;
}

/** Where a setting stands, for messages: where it was given, else the flag that would set it. */
function fieldOf(given: GivenSettings, name: CaptureSettingName): string {
  return given[name]?.field ?? `--${captureSettingTable[name].flag}`;
}

function readAll(given: GivenSettings): { values: Partial<Values>; problems: Problem[] } {
  const values: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const name of Object.keys(captureSettingTable) as CaptureSettingName[]) {
    const value = textOf(given, name);
    const reading = captureSettingTable[name].read(value);
    const saidAlready = name === "proxyGids" && given.proxyGids === undefined;
    if (reading.ok) values[name] = reading.value;
    else if (!saidAlready)
      problems.push({ field: fieldOf(given, name), value, message: reading.message, remedy: reading.remedy });
  }
  return { values: values as Partial<Values>, problems };
}

/** What is wrong with settings, each by itself. */
export function settingProblems(given: GivenSettings): Problem[] {
  return readAll(given).problems;
}

/**
 * Whether IPv6 is captured: with dual stack when the Pod has any IPv6 address, else only when its first address is one.
 * The kernel lists IPv4 addresses first, so that is a Pod with IPv6 addresses alone.
 */
function capturesIpv6(dualStack: boolean, { addresses }: HostFacts): boolean {
  const has = (family: string) => addresses.some((address) => address.family === family);
  return has("IPv6") && (dualStack || !has("IPv4"));
}

function inboundOf({ inboundPorts, excludeInboundPorts }: Values): InboundCapture {
  if (inboundPorts === "all") return { capture: "all", exclude: excludeInboundPorts };
  return inboundPorts.length === 0 ? { capture: "none" } : { capture: "ports", ports: inboundPorts };
}

function ownerGroupsOf({ ownerGroups, excludeOwnerGroups }: Values): OwnerGroups {
  if (ownerGroups === "all") return { capture: "all", exclude: excludeOwnerGroups };
  return { capture: "groups", groups: ownerGroups };
}

function dnsOf({ redirectDns, captureAllDns }: Values, { nameServers }: HostFacts): DnsCapture {
  if (!redirectDns) return { capture: "none" };
  if (captureAllDns) return { capture: "all" };
  return nameServers.length === 0 ? { capture: "none" } : { capture: "servers", servers: nameServers };
}

function configOf(values: Values, facts: HostFacts): CaptureConfig {
  return {
    mode: values.mode === "TPROXY" ? "TPROXY" : "REDIRECT",
    outboundPort: values.outboundPort,
    inboundPort: values.inboundPort,
    tunnelPort: values.tunnelPort,
    proxyUids: values.proxyUids,
    proxyGids: values.proxyGids,
    inbound: inboundOf(values),
    outbound: {
      cidrs: values.outboundCidrs,
      excludeCidrs: values.excludeOutboundCidrs,
      ports: values.outboundPorts,
      excludePorts: values.excludeOutboundPorts,
    },
    ownerGroups: ownerGroupsOf(values),
    excludeInterfaces: values.excludeInterfaces,
    virtualInterfaces: values.virtualInterfaces,
    dns: dnsOf(values, facts),
    dropInvalid: values.dropInvalid,
    ipv6: capturesIpv6(values.dualStack, facts),
    loopback: values.loopback,
    tproxy: { mark: values.tproxyMark, routeTable: values.tproxyRouteTable },
    outboundChain: values.outboundChain,
  };
}

function warningsOf(given: GivenSettings, values: Values, facts: HostFacts, config: CaptureConfig): Problem[] {
  const warnings: Problem[] = [];
  const warn = (name: CaptureSettingName, message: string, remedy: string) => {
    warnings.push({ field: fieldOf(given, name), value: textOf(given, name), message, remedy });
  };
  if (values.redirectDns && config.dns.capture === "none") {
    warn("redirectDns", "has no effect: /etc/resolv.conf names no server", "set --capture-all-dns to capture all DNS");
  }
  if (!config.ipv6 && facts.addresses.some(({ family }) => family === "IPv6")) {
    warn("dualStack", "leaves the IPv6 traffic of this Pod uncaptured", "set --dual-stack to capture it too");
  }
  if (values.mode === "NONE") {
    warn("mode", "captures by REDIRECT here, as in Istio", "do not run init where nothing is to be captured");
  }
  if (values.inboundPorts !== "all" && values.excludeInboundPorts.length > 0) {
    warn("excludeInboundPorts", "has no effect beside a list of ports to capture", 'use it with "*"');
  }
  return warnings;
}

/**
 * Reads settings into a complete configuration.
 * @throws OutriggerError BAD_CONFIGURATION with every setting that is wrong
 */
export function resolveCapture(given: GivenSettings, facts: HostFacts): ResolvedCapture {
  const { values: partial, problems } = readAll(given);
  if (facts.addresses.length === 0) {
    const message = "has no address besides loopback and link-local ones";
    problems.push({ field: "the network namespace", message, remedy: "run this after the network is set up" });
  }
  if (problems.length > 0) throw new OutriggerError("BAD_CONFIGURATION", problems);
  const values = partial as Values;
  const config = configOf(values, facts);
  return { config, warnings: warningsOf(given, values, facts, config) };
}
