import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { Pod } from "../../mesh/pod.ts";
import { captureFolder } from "../conformance/capture-cases.ts";
import { expectedLanding, type Probe, readBehaviour, type Variant, variants } from "../conformance/lab-variants.ts";
import { meshedPod } from "./cni/meshed-pod.ts";
import { type CniNode, createNode, unfitForCni } from "./cni/node.ts";
import { pluginProgram } from "./cni/programs.ts";

// Where packets land after ADD is where they land with the reference: its laboratory, with the plugin in place of init.

const traffic = "traffic.sidecar.istio.io";
/** The reference's tables are of init, which leaves no outbound port alone unless told so. */
const asInit = { [`${traffic}/excludeOutboundPorts`]: "" };

interface PodVariant {
  readonly annotations: Record<string, string>;
  readonly env?: Record<string, string>;
}

/** The Pods that ask for what the variants' flags say. Settings that no annotation makes are left out. */
const podVariants: Readonly<Record<string, PodVariant>> = {
  "cni-defaults": { annotations: {} },
  default: { annotations: asInit },
  dnsall: { annotations: asInit, env: { ISTIO_META_DNS_CAPTURE: "true" } },
  tproxy: { annotations: { ...asInit, "sidecar.istio.io/interceptionMode": "TPROXY" } },
  "out-excl": {
    annotations: {
      [`${traffic}/excludeOutboundPorts`]: "3306",
      [`${traffic}/excludeOutboundIPRanges`]: "198.51.100.0/24",
    },
  },
  "out-incl": {
    annotations: {
      ...asInit,
      [`${traffic}/includeOutboundIPRanges`]: "10.96.0.0/16",
      [`${traffic}/includeOutboundPorts`]: "3306",
    },
  },
  "in-8080": { annotations: { ...asInit, [`${traffic}/includeInboundPorts`]: "8080" } },
  "v4only-on-dual": { annotations: asInit },
  dual: { annotations: asInit, env: { ISTIO_DUAL_STACK: "true" } },
  "dual-dns": { annotations: asInit, env: { ISTIO_DUAL_STACK: "true", ISTIO_META_DNS_CAPTURE: "true" } },
};

function podOf(name: string, { annotations, env = {} }: PodVariant): Pod {
  const pod = meshedPod(name, annotations);
  const variables = Object.entries(env).map(([name, value]) => ({ name, value }));
  pod.spec.containers[1] = { name: "istio-proxy", args: ["proxy", "sidecar"], env: variables };
  return pod;
}

/** Calls ADD for the laboratory's Pod, whose namespace it finds out inside. */
function addScript(node: CniNode, pod: Pod, { ipv6 }: Variant, native: boolean): string {
  const ips = [{ address: "10.9.0.2/24" }, ...(ipv6 ? [{ address: "fd09::2/64" }] : [])];
  const configuration = {
    cniVersion: "1.0.0",
    name: "pods",
    type: "outrigger-cni",
    run_directory: join(node.folder, "run"),
    native_nftables: native,
    prevResult: { cniVersion: "1.0.0", ips },
  };
  const file = join(node.folder, `${pod.metadata.name}.json`);
  writeFileSync(file, JSON.stringify(configuration));
  return [
    "set -eu",
    "export CNI_COMMAND=ADD CNI_CONTAINERID=lab CNI_IFNAME=eth0 CNI_PATH=/opt/cni/bin",
    `export CNI_ARGS="K8S_POD_NAMESPACE=shop;K8S_POD_NAME=${pod.metadata.name};K8S_POD_UID=uid-${pod.metadata.name}"`,
    "CNI_NETNS=/var/run/netns/$(ip netns identify $$)",
    "export CNI_NETNS",
    `exec ${pluginProgram()} < ${file}`,
    "",
  ].join("\n");
}

async function runLab(node: CniNode, variant: Variant, pod: Pod, native: boolean): Promise<Probe[]> {
  const at = (name: string) => join(node.folder, `${pod.metadata.name}.${name}`);
  writeFileSync(at("sh"), addScript(node, pod, variant, native));
  const flags = [...(variant.ipv6 ? ["--v6"] : []), "--json", at("probes")];
  const options = { timeout: 120_000, maxBuffer: 10 * 1024 * 1024 };
  await promisify(execFile)("python3", [join(captureFolder, "lab.py"), ...flags, "--", "sh", at("sh")], options);
  return JSON.parse(readFileSync(at("probes"), "utf8")) as Probe[];
}

const noTables = readBehaviour("default") === undefined ? `no behaviour in ${captureFolder}` : false;

test("traffic lands as with the reference after ADD", {
  skip: unfitForCni() || noTables,
  concurrency: 2,
}, async (t) => {
  const node = await createNode();
  const agent = await node.startAgent();
  try {
    await agent.logged("ready");
    const subtests = variants.flatMap((variant) => {
      const asked = podVariants[variant.name];
      if (asked === undefined) return [];
      return [false, true].map((native) =>
        t.test(`${variant.name}, ${native ? "native nftables" : "iptables"}`, async () => {
          const pod = podOf(`${variant.name}-${native ? "native" : "iptables"}`, asked);
          node.api.setPod(pod);
          const expected = new Map(
            (readBehaviour(variant.name) ?? []).map((probe) => [`${probe.fam} ${probe.name}`, probe]),
          );
          const wrong = (await runLab(node, variant, pod, native)).flatMap((probe) => {
            const reference = expected.get(`${probe.fam} ${probe.name}`);
            const land = reference === undefined ? "(no such probe)" : expectedLanding(variant, reference);
            return probe.land === land ? [] : [`v${probe.fam} ${probe.name}: ${probe.land}, not ${land}`];
          });
          assert.deepEqual(wrong, []);
        }),
      );
    });
    await Promise.all(subtests);
    assert.equal(subtests.length, 2 * Object.keys(podVariants).length);
  } finally {
    await agent.stop();
    await node.close();
  }
});
