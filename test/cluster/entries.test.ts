import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { uninstall } from "../../deploy/install/uninstall.ts";
import type { InstallInput } from "../../deploy/settings.ts";
import { type Cluster, connect } from "./cluster.ts";
import { installed, systemNamespace } from "./installed.ts";
import type { Pod } from "./pod.ts";
import { appPod } from "./workload.ts";

// Every entry of the registrations, with revisions and tags: which Pod is injected, and by which revision.

let cluster: Cluster;
const canary: InstallInput = { revision: "canary", tags: ["preview"] };

before(async () => {
  cluster = await connect();
  await installed(cluster, { enableNamespacesByDefault: true });
  await installed(cluster, canary);
});

after(async () => {
  await uninstall(cluster.api, {
    namespace: systemNamespace,
    revision: "canary",
    report: () => {},
    timeoutMs: 120_000,
  });
  await installed(cluster);
});

/** The revision that injected a Pod, by the status annotation; undefined when none did. */
function injectedBy(pod: Pod): string | undefined {
  const status = pod.metadata.annotations?.["sidecar.istio.io/status"];
  return status === undefined ? undefined : (JSON.parse(status) as { revision: string }).revision;
}

const cases: readonly {
  readonly name: string;
  readonly namespace?: Readonly<Record<string, string>>;
  readonly pod?: Readonly<Record<string, string>>;
  readonly by: string | undefined;
}[] = [
  { name: "namespace: istio-injection=enabled", namespace: { "istio-injection": "enabled" }, by: "default" },
  { name: "rev.namespace: istio.io/rev=default", namespace: { "istio.io/rev": "default" }, by: "default" },
  { name: "rev.namespace: istio.io/rev=canary", namespace: { "istio.io/rev": "canary" }, by: "canary" },
  { name: "rev.namespace: a tag", namespace: { "istio.io/rev": "preview" }, by: "canary" },
  { name: "rev.object: the Pod names a revision", pod: { "istio.io/rev": "canary" }, by: "canary" },
  { name: "rev.object: the Pod names a tag", pod: { "istio.io/rev": "preview" }, by: "canary" },
  { name: "object: the Pod asks for injection", pod: { "sidecar.istio.io/inject": "true" }, by: "default" },
  { name: "auto: nobody says anything", by: "default" },
  { name: "auto: the Pod says no", pod: { "sidecar.istio.io/inject": "false" }, by: undefined },
  { name: "a revision that nobody serves", namespace: { "istio.io/rev": "nobody" }, by: undefined },
  {
    name: "istio-injection beats istio.io/rev",
    namespace: { "istio-injection": "enabled", "istio.io/rev": "canary" },
    by: "default",
  },
  {
    name: "istio-injection=disabled beats istio.io/rev",
    namespace: { "istio-injection": "disabled", "istio.io/rev": "canary" },
    by: undefined,
  },
];

for (const { name, namespace: labels, pod: podLabels, by } of cases) {
  test(`${name}: ${by === undefined ? "not injected" : `injected by ${by}`}`, async (t) => {
    const namespace = await cluster.namespace(t, labels);
    const { object } = await cluster.create<Pod>(appPod(namespace, "one", { labels: podLabels ?? {} }));
    assert.equal(injectedBy(object), by);
  });
}

test("the system's namespaces and our own are never asked about", async () => {
  for (const namespace of ["kube-system", "default", systemNamespace]) {
    const pod = appPod(namespace, "exempt", {
      spec: { securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } } },
      container: { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } },
    });
    const { object } = await cluster.create<Pod>(pod);
    await cluster.delete(object);
    assert.equal(injectedBy(object), namespace === "default" ? "default" : undefined, namespace);
  }
});
