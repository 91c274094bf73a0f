import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { annotations } from "../../mesh/names.ts";
import { listItems as splitList } from "../../mesh/reading.ts";
import { captureSettings } from "../../mesh/redirect/settings.ts";
import { arbitraryPod } from "../../test/arbitrary-pod.ts";
import { noClusterFacts } from "../cluster-facts.ts";
import { inject } from "../pipeline/inject.ts";
import { injectionSettings } from "../settings.ts";

const capture = fc.record(
  {
    [annotations.includeOutboundIPRanges]: fc.constantFrom("", "*", "10.0.0.0/8,fd00::/8"),
    [annotations.excludeOutboundIPRanges]: fc.constantFrom("", "10.96.0.2/24"),
    [annotations.includeInboundPorts]: fc.constantFrom("", "*", "80,443"),
    [annotations.excludeInboundPorts]: fc.constantFrom("", "80", "15020,80"),
    [annotations.includeOutboundPorts]: fc.constantFrom("", "3306"),
    [annotations.excludeOutboundPorts]: fc.constantFrom("", "9999"),
    [annotations.rerouteVirtualInterfaces]: fc.constant("net1"),
    [annotations.kubevirtInterfaces]: fc.constant("net2"),
    [annotations.excludeInterfaces]: fc.constant("eth1"),
  },
  { requiredKeys: [] },
);

/** The flags that a text of one setting stands behind. */
const flags = {
  mode: "-m",
  outboundCidrs: "-i",
  excludeOutboundCidrs: "-x",
  inboundPorts: "-b",
  outboundPorts: "-q",
  excludeOutboundPorts: "-o",
  virtualInterfaces: "-k",
  excludeInterfaces: "-c",
} as const;

test("what istio-validation checks is what the node agent reads from the same Pod", () => {
  const settings = injectionSettings({ values: { pilot: { cni: { enabled: true } } } });
  const context = { namespace: "shop", urlEnv: {}, facts: noClusterFacts };
  fc.assert(
    fc.property(arbitraryPod, capture, (pod, more) => {
      const own = { ...pod, metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...more } } };
      const { pod: injected } = inject(own, settings, context);
      const validation = injected.spec.initContainers?.find(({ name }) => name === "istio-validation");
      const onNode = captureSettings(injected);
      assert.equal(validation !== undefined, onNode.captured);
      if (validation === undefined || !onNode.captured) return;
      const { args = [] } = validation;
      const flag = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
      for (const [name, short] of Object.entries(flags)) {
        const onNodeText: string = onNode.settings[name as keyof typeof flags]?.text ?? "";
        assert.equal(flag(short) ?? "", onNodeText, name);
      }
      assert.equal(flag("-g") ?? flag("-u"), onNode.settings.proxyGids?.text, "the proxy's group");
      // Under TPROXY the proxy is root, and known by its group alone.
      if (flag("-m") !== "TPROXY") assert.equal(flag("-u"), onNode.settings.proxyUids?.text, "the proxy's user");
      const excludedOnNode = splitList(onNode.settings.excludeInboundPorts?.text ?? "");
      for (const port of splitList(flag("-d") ?? "")) assert.ok(excludedOnNode.includes(port), `-d ${port}`);
    }),
    { numRuns: 300 },
  );
});
