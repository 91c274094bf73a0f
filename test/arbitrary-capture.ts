import fc from "fast-check";
import { formatAddress, type IpFamily } from "../mesh/address.ts";
import { type CaptureSettingName, captureSettingTable, type GivenSettings } from "../mesh/redirect/capture-setting.ts";
import { type HostFacts, resolveCapture } from "../mesh/redirect/resolve.ts";

/** Settings as a person writes them, and a network namespace in which they are valid. */
export interface CaptureInput {
  readonly texts: { readonly [name in CaptureSettingName]?: string };
  readonly facts: HostFacts;
}

/** A comma list of some texts, with what people put around commas. */
function list(item: fc.Arbitrary<string>, maxLength = 4): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(item, { maxLength }), fc.constantFrom(",", ", ", ",,"))
    .map(([items, comma]) => items.join(comma));
}

const port = fc.oneof(
  fc.integer({ min: 1, max: 65535 }),
  fc.constantFrom(1, 22, 53, 80, 443, 15001, 15006, 15008, 15020, 15053, 65535),
);
const portText = port.map(String);
const rangeText = fc
  .tuple(port, port, fc.constantFrom(":", "-"))
  .map(([a, b, sign]) => `${Math.min(a, b)}${sign}${Math.max(a, b)}`);
const ports = list(fc.oneof({ weight: 4, arbitrary: portText }, { weight: 1, arbitrary: rangeText }));

function addressText(family: IpFamily): fc.Arbitrary<string> {
  const bits = family === "IPv4" ? 32n : 128n;
  return fc.bigInt({ min: 1n, max: (1n << bits) - 1n }).map((value) => formatAddress({ family, value }));
}

const cidrText = fc.oneof(
  fc.tuple(addressText("IPv4"), fc.integer({ min: 0, max: 32 })).map(([address, length]) => `${address}/${length}`),
  fc.tuple(addressText("IPv6"), fc.integer({ min: 0, max: 128 })).map(([address, length]) => `${address}/${length}`),
  // Ranges that the kernel or the compiler treats apart: everything, loopback, host bits, IPv4 within IPv6.
  fc.constantFrom(
    "0.0.0.0/0",
    "::/0",
    "127.0.0.0/8",
    "127.0.0.1/32",
    "::1/128",
    "10.96.0.7/12",
    "::ffff:10.0.0.1/104",
    "fd00::1/8",
  ),
);
const cidrs = list(cidrText);

const interfaceText = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_.][A-Za-z0-9_.@-]{0,13}$/).filter((name) => name !== "." && name !== ".."),
  // Words of nft's language, patterns, and the names that Pods have.
  fc.constantFrom("eth0", "lo", "net1", "counter", "ip6", "accept", "rt0", "l4proto", "veth+", "a+", "123", "0x1f"),
);
const interfaces = list(interfaceText, 3);

const idText = fc
  .oneof(fc.integer({ min: 0, max: 4294967294 }), fc.constantFrom(0, 1000, 1337, 4294967294))
  .map(String);
/** One id at least: an empty list of users means the user of the proxy, which depends on the machine. */
const ids = fc.array(idText, { minLength: 1, maxLength: 3 }).map((some) => some.join(","));
/** Names that every system has. */
const groupText = fc.oneof(idText, fc.constantFrom("root", "daemon", "mail"));
const groups = list(groupText, 5);

const truth = fc.constantFrom("true", "false", "1", "F");
const number32 = fc.integer({ min: 1, max: 0xffffffff });

function orAll(some: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(fc.constant("*"), some);
}

const settingTexts: { readonly [name in CaptureSettingName]: fc.Arbitrary<string> } = {
  mode: fc.constantFrom("", "REDIRECT", "TPROXY"),
  outboundPort: portText,
  inboundPort: portText,
  tunnelPort: portText,
  proxyUids: ids,
  proxyGids: ids,
  inboundPorts: orAll(ports),
  excludeInboundPorts: ports,
  outboundCidrs: orAll(cidrs),
  excludeOutboundCidrs: cidrs,
  outboundPorts: ports,
  excludeOutboundPorts: ports,
  excludeInterfaces: interfaces,
  virtualInterfaces: interfaces,
  ownerGroups: orAll(groups),
  excludeOwnerGroups: groups,
  loopback: fc
    .tuple(fc.integer({ min: 0, max: 0xffffff }), fc.integer({ min: 8, max: 32 }))
    .map(([host, length]) => `${formatAddress({ family: "IPv4", value: BigInt(0x7f000000 + host) })}/${length}`),
  redirectDns: truth,
  captureAllDns: truth,
  dropInvalid: truth,
  dualStack: truth,
  tproxyMark: number32
    .filter((mark) => mark !== 1338)
    .map((mark) => (mark % 2 === 0 ? String(mark) : `0x${mark.toString(16)}`)),
  tproxyRouteTable: number32.filter((table) => ![253, 254, 255].includes(table)).map(String),
  outboundChain: fc.constantFrom("ISTIO_OUTBOUND", "ISTIO_OUTPUT"),
};

const address = (family: IpFamily) =>
  fc.bigInt({ min: 1n, max: (1n << (family === "IPv4" ? 32n : 128n)) - 1n }).map((value) => ({ family, value }));

const facts: fc.Arbitrary<HostFacts> = fc.record({
  addresses: fc.oneof(fc.tuple(address("IPv4")), fc.tuple(address("IPv6")), fc.tuple(address("IPv4"), address("IPv6"))),
  nameServers: fc.array(fc.oneof(address("IPv4"), address("IPv6")), { maxLength: 3 }),
});

/** Any settings that are valid, each given or left to its default. */
export const arbitraryCaptureInput: fc.Arbitrary<CaptureInput> = fc.record({
  texts: fc.record(settingTexts, { requiredKeys: [] }),
  facts,
});

/** The settings with the flag that gives each as its place. */
export function givenTexts(texts: CaptureInput["texts"]): GivenSettings {
  return Object.fromEntries(
    (Object.entries(texts) as [CaptureSettingName, string][]).map(([name, text]) => [
      name,
      { text, field: `--${captureSettingTable[name].flag}` },
    ]),
  );
}

/** Any valid configuration. */
export const arbitraryCaptureConfig = arbitraryCaptureInput.map(({ texts, facts: found }) => {
  const users = texts.proxyUids === undefined ? { proxyUids: "1337" } : {};
  return resolveCapture(givenTexts({ ...texts, ...users }), found).config;
});
