import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { execa } from "execa";
import { ApiError } from "../../deploy/cluster/api.ts";
import { applyObject, deleteObject, readObject } from "../../deploy/cluster/apply.ts";
import { findResource } from "../../deploy/cluster/resources.ts";
import { previewObject } from "../../deploy/install/preview.ts";
import { describeObject } from "../../deploy/install/progress.ts";
import { renderedFolder } from "../../deploy/rendered.ts";
import { certManagerKinds } from "./cert-manager.ts";
import { type Cluster, connect, parseObjects } from "./cluster.ts";

// The committed YAML, as the API server reads it.

let cluster: Cluster;
let removeKinds: () => Promise<void> = async () => {};
before(async () => {
  cluster = await connect();
  // A cluster of the user's has them or not.
  if (cluster.machine !== undefined) removeKinds = await certManagerKinds(cluster);
});
after(() => removeKinds());

const options = { fieldManager: "outrigger-manifests-test", force: true };

async function rendered(name: string) {
  return parseObjects(await readFile(join(renderedFolder, name), "utf8"));
}

/** Without workload and registrations: neither Pods nor webhook calls come of applying what is left. */
function inert(kind: string): boolean {
  return !["Deployment", "HorizontalPodAutoscaler", "MutatingWebhookConfiguration"].includes(kind);
}

for (const name of ["outrigger.yaml", "outrigger-canary.yaml", "outrigger-cert-manager-monitoring.yaml"]) {
  test(`${name} passes strict field validation`, async (t) => {
    const namespace = await cluster.namespace(t);
    for (const object of await rendered(name)) {
      if ((await findResource(cluster.api, object.apiVersion, object.kind)) === undefined) {
        t.diagnostic(`${describeObject(object)}: the cluster has no such kind`);
        continue;
      }
      const place = object.metadata.namespace === undefined ? {} : { namespace };
      const moved = { ...object, metadata: { ...object.metadata, ...place } };
      await applyObject(cluster.api, moved, { ...options, dryRun: true });
    }
  });
}

test("an unknown field anywhere would be refused", async (t) => {
  const namespace = await cluster.namespace(t);
  const service = (await rendered("outrigger.yaml")).find(({ kind }) => kind === "Service");
  assert.ok(service !== undefined);
  const wrong = { ...service, metadata: { ...service.metadata, namespace }, spec: { colour: "red" } };
  await assert.rejects(applyObject(cluster.api, wrong, { ...options, dryRun: true }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.match(error.message, /spec\.colour/);
    return true;
  });
});

test("applying twice changes nothing, by our own comparison and by kubectl's", async (t) => {
  const namespace = await cluster.namespace(t);
  const objects = (await rendered("outrigger-canary.yaml"))
    .filter(({ kind, metadata }) => inert(kind) && metadata.namespace !== undefined)
    .map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }));
  assert.ok(objects.length >= 5);
  for (const object of objects) await applyObject(cluster.api, object, options);
  // A controller's word in the status moves the resourceVersion as well; where there is a generation, that is our part.
  const versions = () =>
    Promise.all(
      objects.map(async (object) => {
        const metadata = (await readObject(cluster.api, object))?.metadata;
        return metadata?.generation ?? metadata?.resourceVersion;
      }),
    );
  const before = await versions();
  for (const object of objects) assert.equal(await previewObject(cluster.api, object, true), "");
  for (const object of objects) await applyObject(cluster.api, object, options);
  assert.deepEqual(await versions(), before);

  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  const flags = ["diff", "--server-side", "--field-manager", options.fieldManager, "--force-conflicts", "-f", "-"];
  const difference = await execa("kubectl", flags, { input, reject: false });
  assert.equal(difference.stdout, "");
  assert.equal(difference.exitCode, 0, difference.stderr);
});

test("the whole set is deleted without a trace", async (t) => {
  const namespace = await cluster.namespace(t);
  for (const object of await rendered("outrigger.yaml")) {
    if (!inert(object.kind) || object.metadata.namespace === undefined) continue;
    const moved = { ...object, metadata: { ...object.metadata, namespace } };
    await applyObject(cluster.api, moved, options);
    assert.equal(await deleteObject(cluster.api, moved), true);
  }
});
