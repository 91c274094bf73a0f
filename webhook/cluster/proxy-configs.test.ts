import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutriggerError } from "../../mesh/errors.ts";
import { clusterFacts } from "../cluster-facts.ts";
import { type ProxyConfigObject, proxyConfigResource, proxyConfigResources } from "./proxy-configs.ts";

function object(name: string, spec: unknown, created = "2026-01-01T00:00:00Z"): ProxyConfigObject {
  return { metadata: { name, namespace: "shop", creationTimestamp: new Date(created) }, spec };
}

test("a ProxyConfig says in its own words what the mesh configuration says in others", () => {
  const spec = {
    selector: { matchLabels: { app: "till" } },
    concurrency: 3,
    environmentVariables: { A: "b" },
    image: { imageType: "debug" },
    ofALaterVersion: true,
  };
  assert.deepEqual(proxyConfigResource(object("one", spec)), {
    namespace: "shop",
    selector: { matchLabels: { app: "till" } },
    config: { concurrency: 3, proxyMetadata: { A: "b" }, image: { imageType: "debug" } },
  });
});

test("an empty selector, an empty spec and none hold for the namespace and say nothing", () => {
  for (const spec of [{ selector: {} }, { selector: { matchLabels: {} } }, {}, undefined]) {
    assert.deepEqual(proxyConfigResource(object("one", spec)), { namespace: "shop", config: {} });
  }
});

test("one that cannot be read is told of by name, and the others count", () => {
  const refused: OutriggerError[] = [];
  const objects = [object("bad", { environmentVariables: { A: 1 } }), object("good", { concurrency: 2 })];
  const read = proxyConfigResources(objects, (error) => refused.push(error));
  assert.deepEqual(read, [{ namespace: "shop", config: { concurrency: 2 } }]);
  assert.match(String(refused[0]?.message), /ProxyConfig shop\/bad spec\.environmentVariables\.A/);
});

test("where two hold for a namespace, the older one counts", () => {
  const objects = [
    object("a", { concurrency: 1 }, "2026-02-02T00:00:00Z"),
    object("b", { concurrency: 2 }, "2026-02-01T00:00:00Z"),
  ];
  const proxyConfigs = proxyConfigResources(objects, assert.fail);
  assert.deepEqual(clusterFacts({ proxyConfigs }).proxyConfig("shop", undefined), { concurrency: 2 });
});
