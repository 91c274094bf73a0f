import assert from "node:assert/strict";
import { test } from "node:test";
import { namespaceFile } from "./network-namespace.ts";

test("a name below the runtime's folder is looked for where that is mounted here", () => {
  assert.equal(namespaceFile("/var/run/netns/cni-5d1f2a0c", "/host/netns"), "/host/netns/cni-5d1f2a0c");
  assert.equal(namespaceFile("/run/netns/cni-5d1f2a0c", "/run/netns"), "/run/netns/cni-5d1f2a0c");
});

for (const path of [
  "/proc/1/ns/net",
  "/var/run/netns/../../../proc/1/ns/net",
  "/var/run/netns/..",
  "/var/run/netns/.hidden",
  "/var/run/netns/a/b",
  "/var/run/netns/",
  "/var/run/netns/a\n",
  "/tmp/var/run/netns/a",
  "relative",
  "",
]) {
  test(`refused, since rules could land in the node's own namespace: ${JSON.stringify(path)}`, () => {
    assert.throws(() => namespaceFile(path, "/run/netns"), /CNI_NETNS .* is not below \/var\/run\/netns/);
  });
}
