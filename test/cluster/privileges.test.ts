import assert from "node:assert/strict";
import { before, test } from "node:test";
import { clusterPermissions, namespacePermissions } from "../../deploy/manifests/webhook-access.ts";
import { installSettings } from "../../deploy/settings.ts";
import { asked, auditOf, differences, podOf } from "./audit.ts";
import { type Cluster, connect } from "./cluster.ts";
import { installed, systemNamespace } from "./installed.ts";
import { isReady, type Pod } from "./pod.ts";
import { proxyConfigKind } from "./proxy-config-kind.ts";
import { until } from "./waiting.ts";

// What the webhook may do, against what it really asks the API server for.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
  await installed(cluster);
});

/** A new authority replaces the old one near its end, months from now; the certificate specs make that happen elsewhere. */
const seldom = new Set(["update secrets"]);

const configuration = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "outrigger", namespace: systemNamespace },
};

/** Gives the webhook a configuration that it must refuse, until it has said so, and takes it back. */
async function refuseConfiguration(): Promise<void> {
  await cluster.apply([{ ...configuration, data: { mesh: "enablePrometheusMerge: perhaps" } }]);
  try {
    await until("event of a refused configuration", async () => {
      const events = await cluster.list("v1", "Event", { namespace: systemNamespace });
      return events.some(({ message }) => /enablePrometheusMerge/.test(String(message ?? "")));
    });
  } finally {
    await cluster.apply([configuration]);
  }
}

/** New ones look at everything for the first time, and do not wait before they look for a kind again. */
async function replaceWebhookPods(): Promise<void> {
  const pods = () => cluster.list<Pod>("v1", "Pod", { namespace: systemNamespace, labels: "app=outrigger-webhook" });
  const old = await pods();
  await cluster.delete(...old);
  const names = new Set(old.map(({ metadata }) => metadata.name));
  await until("new webhook", async () => {
    const found = await pods();
    return found.filter(isReady).length >= 2 && found.every(({ metadata }) => !names.has(metadata.name));
  });
}

test("the webhook asks for nothing that it may not do, and may do little that it does not ask for", async (t) => {
  const { machine } = cluster;
  if (machine === undefined) return t.skip("only the test machine keeps an audit log");
  await refuseConfiguration();
  await proxyConfigKind(cluster, t);
  await replaceWebhookPods();
  const events = await until("what the webhook asks for in the audit log", async () => {
    const own = await auditOf(machine, systemNamespace, "outrigger-webhook");
    return ["create events", "watch proxyconfigs"].every((request) => asked(own).has(request)) && own;
  });
  // Only of Pods that are there: one that outlives its installation for a moment is refused everything, as it should be.
  const pods = await cluster.list<Pod>("v1", "Pod", { namespace: systemNamespace, labels: "app=outrigger-webhook" });
  const names = new Set(pods.map(({ metadata }) => metadata.name));
  const refused = events.filter((event) => event.responseStatus?.code === 403 && names.has(podOf(event)));
  assert.deepEqual([...asked(refused)], [], "refused requests");

  const settings = installSettings();
  const found = differences(events, [...clusterPermissions(settings), ...namespacePermissions(settings)]);
  assert.deepEqual(found.notGranted, [], "asked for and not in the table");
  const unused = found.unused.filter((request) => !seldom.has(request));
  assert.deepEqual(unused, [], "in the table and never asked for");
});

test("the webhook's Pods run with no rights on the node", async () => {
  const [pod] = await cluster.list<Pod>("v1", "Pod", { namespace: systemNamespace, labels: "app=outrigger-webhook" });
  assert.ok(pod !== undefined);
  const result = await cluster.api.request<{ metadata: { labels: Record<string, string> } }>({
    path: `/api/v1/namespaces/${systemNamespace}`,
  });
  assert.equal(result.body.metadata.labels["pod-security.kubernetes.io/enforce"], "restricted");
  const security = pod.spec.containers[0]?.securityContext as Record<string, unknown>;
  assert.equal(security.readOnlyRootFilesystem, true);
  const write = await cluster.exec(pod, "webhook", "/usr/local/bin/node", "-e", "fs.writeFileSync('/tmp/x', '')");
  assert.match(write.stderr, /EROFS/);
  const id = await cluster.exec(pod, "webhook", "/usr/local/bin/node", "-p", "process.getuid()");
  assert.equal(id.stdout, "65532\n");
});
