import { type Cidr, parseCidr } from "../mesh/cidr.ts";
import { OutriggerError, type Problem } from "../mesh/errors.ts";
import { parsePorts, portProblem, splitList } from "../mesh/port-list.ts";
import type { CaptureConfig } from "../mesh/redirect/config.ts";

/** The flags of `outrigger init`, as they were written. */
export interface InitFlags {
  readonly envoyPort: string;
  readonly inboundCapturePort: string;
  readonly inboundTunnelPort: string;
  readonly proxyUid: string;
  readonly proxyGid?: string;
  readonly istioInboundInterceptionMode: string;
  readonly istioInboundPorts: string;
  readonly istioLocalExcludePorts: string;
  readonly istioExcludeInterfaces: string;
  readonly istioServiceCidr: string;
  readonly istioServiceExcludeCidr: string;
  readonly istioOutboundPorts: string;
  readonly istioLocalOutboundPortsExclude: string;
  readonly kubeVirtInterfaces: string;
  readonly outboundChain: string;
}

function parseCidrs(field: string, text: string, problems: Problem[]): Cidr[] {
  return splitList(text).flatMap((value) => {
    const cidr = parseCidr(value);
    if (cidr !== undefined) return [cidr];
    problems.push({ field, value, message: "is not a CIDR", remedy: "write address/length, such as 10.0.0.0/8" });
    return [];
  });
}

function parsePattern(field: string, text: string, pattern: RegExp, what: string, problems: Problem[]): string[] {
  const items = splitList(text);
  for (const value of items) {
    if (!pattern.test(value)) problems.push({ field, value, message: `is not ${what}` });
  }
  return items;
}

const interfacePattern = /^[a-zA-Z][a-zA-Z0-9_.-]{0,14}$/;
const idPattern = /^(0|[1-9]\d{0,9})$/;
const chainPattern = /^[A-Z][A-Z0-9_]{0,23}$/;

function checkPort(field: string, value: string, problems: Problem[]): string {
  const problem = portProblem(field, value);
  if (problem !== undefined) problems.push(problem);
  return value;
}

/**
 * Turns the flags into valid capture settings, with all that is wrong said at once.
 *
 * @throws OutriggerError BAD_CONFIGURATION
 */
export function captureConfig(flags: InitFlags, hasIpv6: boolean): CaptureConfig {
  const problems: Problem[] = [];
  const { istioInboundInterceptionMode: mode, outboundChain } = flags;
  if (mode !== "" && mode !== "REDIRECT") {
    problems.push({ field: "-m", value: mode, message: "is not an interception mode", remedy: "use REDIRECT" });
  }
  if (!chainPattern.test(outboundChain)) {
    const remedy = "use capitals, digits and _, at most 24";
    problems.push({ field: "--outbound-chain", value: outboundChain, message: "is not a chain's name", remedy });
  }
  const uids = parsePattern("-u", flags.proxyUid, idPattern, "a numeric user id", problems);
  const config: CaptureConfig = {
    outboundChain,
    mode: "REDIRECT",
    outboundPort: checkPort("-p", flags.envoyPort, problems),
    inboundPort: checkPort("-z", flags.inboundCapturePort, problems),
    tunnelPort: checkPort("-e", flags.inboundTunnelPort, problems),
    proxyUids: uids,
    proxyGids:
      flags.proxyGid === undefined ? uids : parsePattern("-g", flags.proxyGid, idPattern, "a group id", problems),
    tproxyMark: "1337",
    tproxyRouteTable: "133",
    includeInboundPorts: flags.istioInboundPorts === "*" ? "*" : parsePorts("-b", flags.istioInboundPorts, problems),
    excludeInboundPorts: parsePorts("-d", flags.istioLocalExcludePorts, problems),
    includeOutboundCidrs: flags.istioServiceCidr === "*" ? "*" : parseCidrs("-i", flags.istioServiceCidr, problems),
    excludeOutboundCidrs: parseCidrs("-x", flags.istioServiceExcludeCidr, problems),
    includeOutboundPorts: parsePorts("-q", flags.istioOutboundPorts, problems),
    excludeOutboundPorts: parsePorts("-o", flags.istioLocalOutboundPortsExclude, problems),
    includeOwnerGroups: "*",
    excludeOwnerGroups: [],
    excludeInterfaces: parsePattern("-c", flags.istioExcludeInterfaces, interfacePattern, "an interface", problems),
    virtualInterfaces: parsePattern("-k", flags.kubeVirtInterfaces, interfacePattern, "an interface", problems),
    dns: "off",
    dnsServers: [],
    dropInvalid: false,
    loopbackCidr: parseCidr("127.0.0.1/32") as Cidr,
    ipv6: hasIpv6,
  };
  if (problems.length > 0) throw new OutriggerError("BAD_CONFIGURATION", problems);
  return config;
}
