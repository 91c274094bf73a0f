import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { removeCapture } from "../../../host/capture.ts";
import { type CaptureCase, captureFolder, readCases } from "../../conformance/capture-cases.ts";
import { apply } from "./in-process.ts";
import { everything, othersRules } from "./others-rules.ts";
import {
  type BackendName,
  backendNames,
  backends,
  captureAll,
  changes,
  createInitPod,
  type InitPod,
  needsRoot,
} from "./pod.ts";

const rich = ["--dual-stack", "--redirect-dns", "--capture-all-dns", "--drop-invalid", "-c", "eth9", "-k", "virt0"];
const redirect = [...captureAll, ...rich];
const tproxy = [...redirect, "-m", "TPROXY", "-t", "1400", "-r", "140"];

const written: readonly { readonly name: string; readonly backend: BackendName; readonly flags: readonly string[] }[] =
  [
    { name: "REDIRECT", backend: "iptables-nft", flags: redirect },
    { name: "TPROXY", backend: "iptables-nft", flags: tproxy },
    { name: "TPROXY", backend: "iptables-legacy", flags: tproxy },
    { name: "TPROXY", backend: "nftables", flags: tproxy },
  ];

function variantOf(backend: BackendName): "nft" | "legacy" {
  return backend === "iptables-legacy" ? "legacy" : "nft";
}

suite("a cleanup takes everything of ours and nothing of others", { skip: needsRoot }, () => {
  for (const { name, backend, flags } of written) {
    test(`${name} on ${backend}`, async (context) => {
      const [pod, without] = [createInitPod(context), createInitPod(context)];
      const others = othersRules(variantOf(backend));
      for (const each of [pod, without]) others.writeFirst(each);
      await apply(pod, [...flags, ...backends[backend]]);
      for (const each of [pod, without]) others.writeLater(each);
      const cleanup = await pod.init(["--cleanup-only"]);
      assert.deepEqual([cleanup.code, cleanup.stderr], [0, ""]);
      assert.match(cleanup.stdout, new RegExp(`removed from ${backend}`));
      assert.deepEqual(changes(everything(without), everything(pod)), []);
    });
  }

  test("from every backend at once", async (context) => {
    const pod = createInitPod(context);
    const before = pod.rules();
    for (const backend of backendNames) await apply(pod, [...captureAll, ...backends[backend]]);
    assert.match((await pod.init(["--cleanup-only"])).stdout, /^removed from /);
    assert.deepEqual(changes(before, pod.rules()), []);
    const again = await pod.init(["--cleanup-only"]);
    assert.deepEqual([again.code, again.stdout], [0, "nothing of the mesh stood here\n"]);
  });
});

/** A Pod that wants no capture. */
const uncaptured = JSON.stringify({
  metadata: { annotations: { "sidecar.istio.io/interceptionMode": "NONE" } },
  spec: { containers: [{ name: "app" }] },
});

suite("a Pod with the interception mode NONE has no rules", { skip: needsRoot }, () => {
  test("also where some stood before", async (context) => {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-none-"));
    context.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "pod.json");
    writeFileSync(file, uncaptured);
    const pod = createInitPod(context);
    const before = pod.rules();
    await apply(pod, tproxy);
    assert.equal((await pod.init(["verify", "--from-pod", file])).code, 126);
    const { code, stdout } = await pod.init(["--from-pod", file]);
    assert.equal(code, 0);
    assert.match(stdout, /mode is NONE: nothing is captured\nremoved from iptables-nft, routes and addresses/);
    assert.deepEqual(changes(before, pod.rules()), []);
    assert.equal((await pod.init(["verify", "--from-pod", file])).code, 0);
  });
});

/** What the reference puts beside its rules: routes of marked packets, and the address. */
function routes({ config }: CaptureCase): string {
  if (config.INBOUND_INTERCEPTION_MODE !== "TPROXY" || config.INBOUND_PORTS_INCLUDE === "") return "";
  const [mark, table] = [config.INBOUND_TPROXY_MARK, config.INBOUND_TPROXY_ROUTE_TABLE];
  const families = config.ENABLE_INBOUND_IPV6 ? ["-4", "-6"] : ["-4"];
  return families
    .map(
      (family) => `ip ${family} rule add fwmark ${mark} lookup ${table}
      ip ${family} route add local default dev lo table ${table}\n`,
    )
    .join("");
}

const groupName = /((?:--gid-owner|skgid(?: !=)?) )[a-z]\w*/g;

function load(pod: InitPod, one: CaptureCase, backend: BackendName): void {
  const restore = (name: string, text: string | null | undefined) =>
    text ? `${name}-${variantOf(backend)}-restore --noflush <<'END'\n${text}END\n` : "";
  const iptables = restore("iptables", one.v4) + restore("ip6tables", one.v6);
  const rules = backend === "nftables" ? `nft -f - <<'END'\n${one.nft}END\n` : iptables;
  const address = one.config.ENABLE_INBOUND_IPV6 ? "ip -6 addr add ::6/128 dev lo\n" : "";
  // No group of this name is on the test's machine.
  pod.shell(`set -e\n${rules.replaceAll(groupName, "$12020")}${routes(one)}${address}`);
}

const cases = (readCases<CaptureCase>("cases.json") ?? []).filter((each) => !each.error && !each.nft_error);
const noCases = cases.length === 0 ? `no cases in ${captureFolder}` : false;

suite("a cleanup takes what the reference wrote", { skip: needsRoot || noCases }, () => {
  for (const backend of backendNames) {
    test(`among others' rules, on ${backend}`, async (context) => {
      const pod = createInitPod(context);
      const others = othersRules(variantOf(backend));
      others.writeFirst(pod);
      others.writeLater(pod);
      const before = everything(pod);
      // iptables' two backends get the same texts: one of them gets some.
      for (const one of cases.filter((_, index) => backend !== "iptables-legacy" || index % 3 === 0)) {
        load(pod, one, backend);
        await removeCapture(pod.namespace);
        assert.deepEqual(changes(before, everything(pod)), [], one.name);
      }
    });
  }
});
