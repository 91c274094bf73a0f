import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { arbitraryCaptureConfig } from "../../test/arbitrary-capture.ts";
import { tablesOfNftText, tablesOfRestoreText } from "../../test/restore-text.ts";
import { type Address, formatAddress, type IpFamily } from "../address.ts";
import { type Cidr, hostCidr } from "../cidr.ts";
import { chains } from "../names.ts";
import { compile } from "./compile.ts";
import { type CaptureConfig, families } from "./config.ts";
import { withGroupIds } from "./group-ids.ts";
import { printIptables, printRule } from "./iptables.ts";
import { iptablesLayout } from "./layout.ts";
import { iptablesDifferences } from "./live/iptables-live.ts";
import { nftDifferences } from "./live/nftables-live.ts";
import { ownParts } from "./live/own-rules.ts";
import { printNftables } from "./nftables.ts";
import { isBuiltIn, type Match, type RuleSet } from "./rule.ts";
import { compiledRuleSet, nftRuleSet, savedRuleSet, type TraceRuleSet } from "./trace/ruleset.ts";
import { type Connection, type PodNetwork, type Trace, traceConnection } from "./trace/trace.ts";

const runs = { numRuns: 150 };

/** The rules with groups by id, as they are written: a name is known by its length here. */
function compiled(config: CaptureConfig): RuleSet {
  return withGroupIds(compile(config), (name) => name.length);
}

function assertWhole(ruleSet: RuleSet, family: IpFamily): void {
  for (const [table, inTable] of iptablesLayout(ruleSet, family)) {
    for (const chain of inTable.keys()) assert.ok(isBuiltIn(chain) || chain.startsWith("ISTIO_"));
    for (const { target, reason } of [...inTable.values()].flat()) {
      assert.notEqual(reason.purpose, "");
      if (target.kind === "jump") assert.ok(inTable.has(target.chain), `${table} has no ${target.chain}`);
    }
  }
}

test("any valid configuration compiles, into rules that lead somewhere", () => {
  fc.assert(
    fc.property(arbitraryCaptureConfig, (config) => {
      for (const family of families(config)) assertWhole(compile(config), family);
    }),
    runs,
  );
});

test("what the printed iptables text makes of an empty namespace is what was compiled, and known as ours", () => {
  fc.assert(
    fc.property(arbitraryCaptureConfig, (config) => {
      const ruleSet = compiled(config);
      for (const family of families(config)) {
        const parts = ownParts(tablesOfRestoreText(printIptables(ruleSet, family)));
        assert.deepEqual(iptablesDifferences(ruleSet, family, parts), []);
      }
    }),
    runs,
  );
});

test("what the printed nft text makes is what was compiled", () => {
  fc.assert(
    fc.property(arbitraryCaptureConfig, (config) => {
      const ruleSet = compiled(config);
      assert.deepEqual(nftDifferences(ruleSet, tablesOfNftText(printNftables(ruleSet))), []);
    }),
    runs,
  );
});

/** A range of the other family that plays the same part. */
function twin({ family, address, prefixLength }: Cidr): Cidr {
  if (family === "IPv4")
    return { family: "IPv6", address: { family: "IPv6", value: address.value << 96n }, prefixLength };
  const value = address.value >> 96n;
  return { family: "IPv4", address: { family: "IPv4", value }, prefixLength: Math.min(prefixLength, 32) };
}

/** Each range with its twin, unless one of them is loopback, which is of one family alone. */
function withTwins(ranges: readonly Cidr[]): Cidr[] {
  return ranges.flatMap((range) => [range, twin(range)]);
}

/** A configuration that says the same of both families. */
function symmetric(config: CaptureConfig): CaptureConfig {
  const { outbound, dns } = config;
  const servers = (list: readonly Address[]) => withTwins(list.map(hostCidr)).map(({ address }) => address);
  return {
    ...config,
    ipv6: true,
    outbound: {
      ...outbound,
      cidrs: outbound.cidrs === "all" ? "all" : withTwins(outbound.cidrs),
      excludeCidrs: withTwins(outbound.excludeCidrs),
    },
    dns: dns.capture === "servers" ? { capture: "servers", servers: servers(dns.servers) } : dns,
  };
}

/** The rules of a family in kernel order, as text without addresses. */
function shapeOf(config: CaptureConfig, family: IpFamily): string[] {
  const shown = (match: Match): Match =>
    match.kind === "source" || match.kind === "destination"
      ? { ...match, cidr: hostCidr({ family, value: 0n }) }
      : match;
  return [...iptablesLayout(compiled(config), family)].flatMap(([table, inTable]) =>
    [...inTable.values()].flat().map((rule) => {
      const printed = printRule({ ...rule, position: "append", matches: rule.matches.map(shown) });
      return `${table} ${printed}`.replaceAll(family === "IPv4" ? "0.0.0.0/32" : "::/128", "ADDRESS");
    }),
  );
}

test("IPv4 and IPv6 have the same shape", () => {
  fc.assert(
    fc.property(arbitraryCaptureConfig.map(symmetric), (config) => {
      assert.deepEqual(shapeOf(config, "IPv4"), shapeOf(config, "IPv6"));
    }),
    runs,
  );
});

/** Destinations near what a configuration is about: its ranges, its ports, the Pod itself, anywhere. */
function arbitraryConnection(config: CaptureConfig, network: PodNetwork): fc.Arbitrary<Connection> {
  const { outbound, inbound, dns } = config;
  const ranges = [...(outbound.cidrs === "all" ? [] : outbound.cidrs), ...outbound.excludeCidrs];
  const inboundPorts = inbound.capture === "ports" ? inbound.ports : inbound.capture === "all" ? inbound.exclude : [];
  const ports = [...outbound.ports, ...outbound.excludePorts, ...inboundPorts].map(({ first }) => first);
  const loopback: Address[] = [
    { family: "IPv4", value: 0x7f000001n },
    { family: "IPv4", value: 0x7f000002n },
    { family: "IPv6", value: 1n },
  ];
  const known: Address[] = [
    ...network.addresses,
    ...loopback,
    ...ranges.map(({ address }) => address),
    ...(dns.capture === "servers" ? dns.servers : []),
  ].filter(({ family }) => families(config).includes(family));
  return fc.record({
    from: fc.constant("pod" as const),
    protocol: fc.constantFrom("tcp" as const, "udp" as const),
    owner: fc.record({ uid: fc.nat(), gid: fc.nat() }),
    destination: fc.record({
      address: fc.constantFrom(...known, { family: "IPv4" as const, value: 0x08080808n }),
      port: fc.oneof(
        fc.constantFrom(53, 80, config.tunnelPort, config.inboundPort, config.outboundPort, ...ports),
        fc.integer({ min: 1, max: 65535 }),
      ),
    }),
  });
}

const network: PodNetwork = {
  addresses: [
    { family: "IPv4", value: 0x0a000005n },
    { family: "IPv6", value: 0xfd00n << 112n },
  ],
  interface: "eth0",
};

interface Traced {
  readonly config: CaptureConfig;
  readonly connection: Connection;
}

const configAndConnection: fc.Arbitrary<Traced> = arbitraryCaptureConfig.chain((config) =>
  arbitraryConnection(config, network).map((connection) => ({ config, connection })),
);

const forms = ["iptables", "nft"] as const;

/** The connection when one of the proxy's users, or one of its groups, makes it. */
function byProxy({ config, connection }: Traced): Connection[] {
  if (connection.from !== "pod") return [];
  const { uid, gid } = connection.owner;
  return [
    ...config.proxyUids.map((own) => ({ ...connection, owner: { uid: own, gid } })),
    ...config.proxyGids.map((own) => ({ ...connection, owner: { uid, gid: own } })),
  ];
}

function isCapturedOutbound({ landing, steps }: Trace): boolean {
  const last = steps.findLast(({ effect }) => effect === "redirect" || effect === "tproxy");
  return landing.where === "captured" && last?.chain !== chains.inboundRedirect && last?.chain !== chains.tproxy;
}

test("traffic of the proxy's own users and groups never comes back to it as outbound traffic", () => {
  fc.assert(
    fc.property(configAndConnection, (traced) => {
      for (const connection of byProxy(traced)) {
        for (const form of forms) {
          const { family } = connection.destination.address;
          const trace = traceConnection(connection, compiledRuleSet(compiled(traced.config), family, form), network);
          assert.ok(!isCapturedOutbound(trace), `${form}: ${trace.steps.map(({ rule }) => rule.text).join("\n")}`);
          const local = trace.landing.where !== "captured" || trace.steps.some(({ chain }) => chain !== "OUTPUT");
          assert.ok(local);
        }
      }
    }),
    { numRuns: 300 },
  );
});

const passthrough: readonly Address[] = [
  { family: "IPv4", value: 0x7f000006n },
  { family: "IPv6", value: 6n },
];

test("what the proxy hands to the application is not captured again", () => {
  fc.assert(
    fc.property(configAndConnection, (traced) => {
      const { config } = traced;
      for (const connection of byProxy(traced)) {
        const own = network.addresses.find(({ family }) => family === connection.destination.address.family);
        const source = passthrough.find(({ family }) => family === own?.family);
        assert.ok(own && source);
        const handed = { ...connection, source, destination: { ...connection.destination, address: own } };
        for (const form of forms) {
          const { landing } = traceConnection(handed, compiledRuleSet(compiled(config), own.family, form), network);
          assert.equal(landing.where, "pod");
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("the compiled rules and the printed texts are traced to the same landing", () => {
  fc.assert(
    fc.property(configAndConnection, ({ config, connection }) => {
      const ruleSet = compiled(config);
      const { family } = connection.destination.address;
      const nft = printNftables(ruleSet);
      const printed: readonly [TraceRuleSet, TraceRuleSet][] = [
        [
          compiledRuleSet(ruleSet, family, "iptables"),
          savedRuleSet(tablesOfRestoreText(printIptables(ruleSet, family))),
        ],
        [compiledRuleSet(ruleSet, family, "nft"), nftRuleSet(tablesOfNftText(nft), family)],
      ];
      const landings = printed.flatMap((two) =>
        two.map((rules) => traceConnection(connection, rules, network).landing),
      );
      for (const landing of landings)
        assert.deepEqual(landing, landings[0], formatAddress(connection.destination.address));
    }),
    { numRuns: 200 },
  );
});
