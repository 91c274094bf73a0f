import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import fc from "fast-check";
import { parse } from "valibot";
import { decide } from "../cni/decide.ts";
import { networkConfiguration } from "../cni/network-configuration.ts";
import { flagsOf, givenSettings, withFlags } from "../init/command-line.ts";
import { type OperationFlagName, operationFlags } from "../init/operation.ts";
import { type Address, parseAddress } from "../mesh/address.ts";
import { annotations } from "../mesh/names.ts";
import type { Container, Pod } from "../mesh/pod.ts";
import { type PortRange, singlePort } from "../mesh/port-list.ts";
import type { GivenSettings } from "../mesh/redirect/capture-setting.ts";
import type { CaptureConfig } from "../mesh/redirect/config.ts";
import { resolveCapture } from "../mesh/redirect/resolve.ts";
import { captureSettings, initSource } from "../mesh/redirect/settings.ts";
import { noClusterFacts } from "../webhook/cluster-facts.ts";
import { inject } from "../webhook/pipeline/inject.ts";
import { injectionSettings } from "../webhook/settings.ts";
import { arbitraryPod } from "./arbitrary-pod.ts";

/** Annotations that change capture, and the variables that reach istio-init and istio-proxy by `proxyMetadata`. */
const capture = fc.record(
  {
    [annotations.interceptionMode]: fc.constantFrom("REDIRECT", "TPROXY", "NONE"),
    [annotations.includeOutboundIPRanges]: fc.constantFrom("", "*", "10.0.0.0/8,fd00::/8"),
    [annotations.excludeOutboundIPRanges]: fc.constantFrom("", "10.96.0.2/24"),
    [annotations.includeInboundPorts]: fc.constantFrom("", "*", "80,443"),
    [annotations.excludeInboundPorts]: fc.constantFrom("", "80", "15020, 80", "15090,80,80"),
    [annotations.includeOutboundPorts]: fc.constantFrom("", "3306"),
    [annotations.excludeOutboundPorts]: fc.constantFrom("", "9999", "15020"),
    [annotations.rerouteVirtualInterfaces]: fc.constant("net1"),
    [annotations.kubevirtInterfaces]: fc.constant("net2"),
    [annotations.excludeInterfaces]: fc.constant("eth1"),
    [annotations.statusPort]: fc.constantFrom("0", "123", "15020"),
    [annotations.proxyConfig]: fc
      .record(
        {
          ISTIO_META_DNS_CAPTURE: fc.constantFrom("true", "false"),
          ISTIO_DUAL_STACK: fc.constantFrom("true", "false"),
          INVALID_DROP: fc.constantFrom("true", "false"),
        },
        { requiredKeys: [] },
      )
      .map((proxyMetadata) => JSON.stringify({ proxyMetadata })),
  },
  { requiredKeys: [] },
);

const pods = fc.tuple(arbitraryPod, capture).map(([pod, more]) => ({
  ...pod,
  metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...more } },
}));

function address(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed);
  return parsed;
}

const facts = { addresses: ["10.0.0.5", "fd00::5"].map(address), nameServers: [address("10.96.0.10")] };

function configOf(given: GivenSettings): CaptureConfig {
  return resolveCapture(given, facts).config;
}

/** What the container that writes or checks the rules makes of its arguments and variables. */
function ofContainer({ args = [], env = [] }: Container): CaptureConfig {
  // How much Istio's command logs is no matter of capture.
  const [, ...flags] = args.filter((arg) => !arg.startsWith("--log_"));
  const init = withFlags(new Command(), Object.keys(operationFlags) as OperationFlagName[]);
  const options = init.parse(flags, { from: "user" }).opts();
  const variables = Object.fromEntries(env.map(({ name, value }) => [name, value]));
  return configOf(givenSettings(flagsOf(options), variables));
}

/** What `outrigger init --from-pod` makes of the injected Pod. */
function ofFile(pod: Pod): CaptureConfig | undefined {
  const settings = captureSettings(pod, initSource);
  return settings.captured ? configOf(settings.settings) : undefined;
}

const configuration = parse(networkConfiguration, { cniVersion: "1.0.0" });
const identity = { namespace: "shop", name: "till", uid: undefined };

/** What the node agent makes of it. */
async function ofNode(pod: Pod): Promise<CaptureConfig | undefined> {
  const decision = await decide(identity, configuration, async () => pod);
  return decision.capture ? configOf(decision.settings) : undefined;
}

/** Ports as a set: each once, in one order. A rule that leaves a port alone may stand anywhere among its kind. */
function asSet(ranges: readonly PortRange[]): PortRange[] {
  const byText = new Map(ranges.map((range) => [`${range.first}:${range.last}`, range]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, range]) => range);
}

/** What must be the same. Under TPROXY the proxy is root and known by its group: which user it would be tells nobody. */
function comparable(config: CaptureConfig | undefined) {
  if (config === undefined) return undefined;
  const { inbound, proxyUids, ...rest } = config;
  const excluded = inbound.capture === "all" ? { ...inbound, exclude: asSet(inbound.exclude) } : inbound;
  return { ...rest, inbound: excluded, proxyUids: config.mode === "TPROXY" ? "root" : proxyUids };
}

/**
 * What the node makes of it where istio-init makes `config`. Istio's plugin leaves the status ports of the sidecar and of
 * others alone whatever the Pod says, and captures all DNS where istio-init captures that of the Pod's name servers.
 */
function onNode(config: CaptureConfig, pod: Pod): CaptureConfig {
  const { inbound, outbound, dns } = config;
  const own = [15020, 15021, 15090].map(singlePort);
  const silent = pod.metadata.annotations?.[annotations.excludeOutboundPorts] === undefined;
  return {
    ...config,
    inbound: inbound.capture === "all" ? { capture: "all", exclude: [...inbound.exclude, ...own] } : inbound,
    outbound: silent ? { ...outbound, excludePorts: [singlePort(15020)] } : outbound,
    dns: dns.capture === "servers" ? { capture: "all" } : dns,
  };
}

const context = { namespace: "shop", urlEnv: {}, facts: noClusterFacts };

for (const profile of ["istio", "envoy"] as const) {
  for (const enabled of [false, true]) {
    const container = enabled ? "istio-validation" : "istio-init";
    const settings = injectionSettings({ profile, values: { pilot: { cni: { enabled } } } });
    test(`${container} of the ${profile} profile and what reads the same Pod make the same of it`, async () => {
      const property = fc.asyncProperty(pods, async (pod) => {
        const { pod: injected } = inject(pod, settings, context);
        const init = injected.spec.initContainers?.find(({ name }) => name === container);
        const file = ofFile(injected);
        assert.equal(init === undefined, file === undefined);
        if (init === undefined) return;
        const config = ofContainer(init);
        assert.deepEqual(comparable(file), comparable(config), "outrigger init --from-pod");
        if (!enabled) return;
        assert.deepEqual(comparable(await ofNode(injected)), comparable(onNode(config, injected)), "the node agent");
      });
      await fc.assert(property, { numRuns: 150 });
    });
  }
}
