import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import fastJsonPatch from "fast-json-patch";
import type { Pod } from "../../mesh/pod.ts";
import { admit } from "../../webhook/admit.ts";
import { injectionSettings } from "../../webhook/settings.ts";

// A gateway's Envoy reads its user's bootstrap and merges the injected one into it: whether that is so is Envoy's to say.

const envoy = execFileSync(join(import.meta.dirname, "../../tools/envoy.sh"), { encoding: "utf8" }).trim();
const tcpProxy = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

/** A bootstrap as a user writes it: a listener that passes on to a cluster. */
const edge = {
  static_resources: {
    listeners: [
      {
        name: "edge",
        address: { socket_address: { address: "0.0.0.0", port_value: 8443 } },
        filter_chains: [
          { filters: [{ name: "tcp", typed_config: { "@type": tcpProxy, stat_prefix: "edge", cluster: "shop" } }] },
        ],
      },
    ],
    clusters: [{ name: "shop", type: "STRICT_DNS" }],
  },
};

const templates = "inject.istio.io/templates";
const pods: Readonly<Record<string, Pod>> = {
  gateway: {
    metadata: { name: "gate", annotations: { [templates]: "gateway" } },
    spec: { containers: [{ name: "istio-proxy", image: "auto" }] },
  },
  sidecar: { metadata: { name: "till", annotations: {} }, spec: { containers: [{ name: "till", image: "till:1" }] } },
};

/** The arguments of the injected istio-proxy, as Kubernetes expands them. */
function proxyArguments(pod: Pod): string[] {
  const annotations = { ...pod.metadata.annotations, "sidecar.istio.io/bootstrapOverride": "edge" };
  const object = { ...pod, metadata: { ...pod.metadata, annotations } };
  const admission = admit({ namespace: "shop", object }, injectionSettings());
  assert.ok(admission.allowed, admission.allowed ? "" : admission.message);
  const operations = admission.patch as fastJsonPatch.Operation[];
  const { spec } = fastJsonPatch.applyPatch(structuredClone(object), operations, true).newDocument;
  const proxy = [...(spec.initContainers ?? []), ...spec.containers].find(({ name }) => name === "istio-proxy");
  return (proxy?.args ?? []).map((text) => text.replaceAll("$(INSTANCE_IP)", "10.0.0.1").replaceAll("$$", "$"));
}

for (const [role, pod] of Object.entries(pods)) {
  test(`Envoy takes a ${role}'s arguments, with a bootstrap of the user's own`, (context) => {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-gateway-"));
    context.after(() => rmSync(folder, { recursive: true }));
    const args = proxyArguments(pod);
    const mounted = args[args.indexOf("--config-path") + 1] ?? "";
    const here = args.map((text) => (text === mounted ? text.replace(dirname(mounted), folder) : text));
    const validate = (bootstrap: object) => {
      writeFileSync(mounted.replace(dirname(mounted), folder), JSON.stringify(bootstrap));
      return execFileSync(envoy, ["--mode", "validate", ...here], { encoding: "utf8", stdio: "pipe" });
    };
    assert.match(validate(edge), /OK/);
    // The file is read, and not only its name.
    assert.throws(() => validate({ noSuchField: true }), /noSuchField/);
  });
}
