import { type Address, addressBits, type IpFamily, parseAddress } from "../../mesh/address.ts";
import { type CaptureConfig, families } from "../../mesh/redirect/config.ts";
import type { Endpoint } from "../../mesh/redirect/trace/packet.ts";
import { compiledRuleSet } from "../../mesh/redirect/trace/ruleset.ts";
import { type PodNetwork, traceConnection } from "../../mesh/redirect/trace/trace.ts";
import { compileHere } from "../compile-here.ts";

/** A connection that proves, for one family, whether the traffic of this process is captured. */
export interface CaptureProbe {
  readonly family: IpFamily;
  readonly destination: Endpoint;
  /**
   * How it proves it. `arrives`: rules turn it to a port of the Pod, where it can be awaited. `diverted`: TPROXY takes it,
   * which only a listener with NET_ADMIN can receive, so it is awaited where it must not arrive.
   */
  readonly proof: "arrives" | "diverted";
  /** The port to which it is captured. */
  readonly port: number;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Addresses for documentation (RFC 5737, 3849, 9637): nobody has them, so an answer from there is the proxy's. */
const nobody = ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"].flatMap(
  (text) => parseAddress(text) ?? [],
);

/** The second address of each captured range of the family, which is not the range's own. */
function addressesInRanges({ outbound }: CaptureConfig, family: IpFamily): Address[] {
  if (outbound.cidrs === "all") return [];
  return outbound.cidrs
    .filter((range) => range.family === family)
    .map(({ address, prefixLength }) => {
      const hostBits = BigInt(addressBits[family] - prefixLength);
      const first = (address.value >> hostBits) << hostBits;
      return { family, value: hostBits === 0n ? first : first + 1n };
    });
}

/** Destinations that may be captured, the surest proof first. */
function candidates(config: CaptureConfig, family: IpFamily, network: PodNetwork, probePort: number): Endpoint[] {
  const own = network.addresses.filter((address) => address.family === family);
  const unused = nobody.filter((address) => address.family === family);
  const ports = config.outbound.ports.map(({ first }) => first);
  return [
    ...[...own, ...unused, ...addressesInRanges(config, family)].map((address) => ({ address, port: probePort })),
    ...unused.flatMap((address) => ports.map((port) => ({ address, port }))),
  ];
}

/** The connection that proves capture in a family for this owner, found by tracing; undefined when nothing is captured. */
function probeFor(
  config: CaptureConfig,
  family: IpFamily,
  owner: Owner,
  network: PodNetwork,
  probePort: number,
): CaptureProbe | undefined {
  const rules = compiledRuleSet(compileHere(config), family, "iptables");
  const found = candidates(config, family, network, probePort).flatMap((destination): CaptureProbe[] => {
    const { landing } = traceConnection({ from: "pod", protocol: "tcp", owner, destination }, rules, network);
    if (landing.where !== "captured") return [];
    const proof = landing.by === "tproxy" ? "diverted" : "arrives";
    return [{ family, destination, proof, port: landing.port }];
  });
  return found.find(({ proof }) => proof === "arrives") ?? found[0];
}

/** What is to be proven: a probe for each captured family, or that the owner's traffic proves nothing there. */
export interface ValidationPlan {
  readonly probes: readonly CaptureProbe[];
  readonly unproven: readonly IpFamily[];
}

/** Plans the connections that prove capture for the owner of this process. */
export function validationPlan(
  config: CaptureConfig,
  owner: Owner,
  network: PodNetwork,
  probePort: number,
): ValidationPlan {
  const planned = families(config).map((family) => ({
    family,
    probe: probeFor(config, family, owner, network, probePort),
  }));
  return {
    probes: planned.flatMap(({ probe }) => probe ?? []),
    unproven: planned.filter(({ probe }) => probe === undefined).map(({ family }) => family),
  };
}
