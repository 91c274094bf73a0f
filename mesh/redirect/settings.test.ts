import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "../address.ts";
import { OutriggerError } from "../errors.ts";
import type { Pod } from "../pod.ts";
import { type HostFacts, resolveCapture } from "./resolve.ts";
import { captureSettings, initSource, nodeSource } from "./settings.ts";

const address = (text: string) => parseAddress(text) as NonNullable<ReturnType<typeof parseAddress>>;
const facts: HostFacts = { addresses: [address("10.0.0.5")], nameServers: [address("10.96.0.10")] };

function pod(annotations: Record<string, string>, proxy: object = {}): Pod {
  return { metadata: { annotations }, spec: { containers: [{ name: "app" }, { name: "istio-proxy", ...proxy }] } };
}

function texts(of: Pod, source = nodeSource): Record<string, string | undefined> {
  const capture = captureSettings(of, source);
  assert.ok(capture.captured);
  return Object.fromEntries(Object.entries(capture.settings).map(([name, given]) => [name, given.text]));
}

test("a Pod that says nothing gets the defaults", () => {
  assert.deepEqual(texts(pod({})), {
    mode: "REDIRECT",
    proxyUids: "1337",
    proxyGids: "1337",
    outboundCidrs: "*",
    excludeOutboundCidrs: "",
    inboundPorts: "*",
    excludeInboundPorts: "15020,15021,15090",
    excludeOutboundPorts: "15020",
  });
});

test("annotations decide, an empty one too", () => {
  const set = texts(
    pod({
      "traffic.sidecar.istio.io/includeInboundPorts": "",
      "traffic.sidecar.istio.io/excludeInboundPorts": "22, 15021",
      "traffic.sidecar.istio.io/excludeOutboundPorts": "3306",
      "traffic.sidecar.istio.io/kubevirtInterfaces": "old0",
      "istio.io/reroute-virtual-interfaces": "net1",
    }),
  );
  assert.equal(set.inboundPorts, "");
  assert.equal(set.excludeInboundPorts, "22,15021,15020,15090");
  assert.equal(set.excludeOutboundPorts, "3306");
  assert.equal(set.virtualInterfaces, "net1");
});

test("the proxy's user and variables count, root and an empty variable do not", () => {
  const env = [
    { name: "ISTIO_META_DNS_CAPTURE", value: "true" },
    { name: "INVALID_DROP", value: "" },
  ];
  const set = texts(pod({}, { env, securityContext: { runAsUser: 0, runAsGroup: 2000 } }));
  assert.equal(set.redirectDns, "true");
  assert.equal(set.captureAllDns, "true");
  assert.equal(set.dropInvalid, undefined);
  assert.equal(set.proxyUids, "1337");
  assert.equal(set.proxyGids, "2000");
});

test("a native sidecar is found among the init containers", () => {
  const of: Pod = {
    metadata: {},
    spec: { containers: [], initContainers: [{ name: "istio-proxy", securityContext: { runAsUser: 7 } }] },
  };
  assert.equal(texts(of).proxyUids, "7");
});

test("interception mode NONE captures nothing", () => {
  const capture = captureSettings(pod({ "sidecar.istio.io/interceptionMode": "NONE" }), nodeSource);
  assert.deepEqual(capture, { captured: false, reason: "interception-mode-none" });
});

test("a bad annotation is refused by its own name, all at once", () => {
  const capture = captureSettings(
    pod({
      "traffic.sidecar.istio.io/excludeInterfaces": "eth0 -j ACCEPT",
      "traffic.sidecar.istio.io/includeOutboundIPRanges": "10.0.0.0",
    }),
    initSource,
  );
  assert.ok(capture.captured);
  assert.throws(
    () => resolveCapture(capture.settings, facts),
    (error: unknown) => {
      assert.ok(error instanceof OutriggerError);
      assert.deepEqual(
        error.problems.map(({ field }) => field),
        [
          'metadata.annotations["traffic.sidecar.istio.io/includeOutboundIPRanges"]',
          'metadata.annotations["traffic.sidecar.istio.io/excludeInterfaces"]',
        ],
      );
      return true;
    },
  );
});
