import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  hasEntry,
  hasUsableVersion,
  listFileName,
  pluginType,
  printList,
  readNetworkFile,
  withEntry,
  withoutEntry,
} from "./conflist.ts";

const entry = { type: pluginType, run_directory: "/run/outrigger-cni" } as const;
const bridge = { type: "bridge", bridge: "cni0", mtu: 1400, ipam: { type: "host-local" } };
const portmap = { type: "portmap", capabilities: { portMappings: true } };
const list = { cniVersion: "0.4.0", name: "pods", disableCheck: true, plugins: [bridge, portmap] };

const read = (name: string, value: unknown) => readNetworkFile(name, JSON.stringify(value));

test("the entry is appended last, and all else stays", () => {
  const file = read("10-pods.conflist", list);
  assert.ok(file);
  assert.deepEqual(withEntry(file, entry), { ...list, plugins: [bridge, portmap, entry] });
});

test("an entry of an older version, wherever it stands, is replaced", () => {
  const old = { type: pluginType, log_level: "debug" };
  const file = read("10-pods.conflist", { ...list, plugins: [old, bridge, old] });
  assert.ok(file);
  assert.deepEqual(withEntry(file, entry).plugins, [bridge, entry]);
});

test("a plain configuration becomes a list around itself, sorted where it stood", () => {
  const file = read("10-pods.conf", { cniVersion: "1.0.0", name: "pods", ...bridge });
  assert.ok(file);
  const wanted = {
    cniVersion: "1.0.0",
    name: "pods",
    plugins: [{ cniVersion: "1.0.0", name: "pods", ...bridge }, entry],
  };
  assert.deepEqual(withEntry(file, entry), wanted);
  assert.equal(listFileName(file, ["10-pods.conf"]), "10-pods.conflist");
});

test("a plain configuration beside a list of that name takes a free name that still comes first", () => {
  const file = read("10-pods.conf", { cniVersion: "1.0.0", name: "pods", ...bridge });
  assert.ok(file);
  const name = listFileName(file, ["10-pods.conf", "10-pods.conflist"]);
  assert.deepEqual([name, "10-pods.conflist"].sort()[0], name);
});

const passedOver: [string, string][] = [
  ["10-pods.conflist", "{"],
  ["10-pods.conflist", "null"],
  ["10-pods.conflist", '{"name":"pods"}'],
  ["10-pods.conflist", '{"name":"pods","plugins":[]}'],
  ["10-pods.conflist", '{"name":"pods","plugins":[{"mtu":1}]}'],
  ["10-pods.conf", '{"name":"pods"}'],
  ["10-pods.conf", '{"type":"bridge"}'],
  ["README.md", JSON.stringify(list)],
  ["10-pods.conflist.bak", JSON.stringify(list)],
];
for (const [name, text] of passedOver) {
  test(`a runtime would pass over ${name} with ${text.slice(0, 40)}`, () => {
    assert.equal(readNetworkFile(name, text), undefined);
  });
}

test("only versions in which chained plugins get a prevResult are usable", () => {
  const usable = (cniVersion: string | undefined) => {
    const file = read("10-pods.conflist", { ...list, cniVersion });
    return file !== undefined && hasUsableVersion(file);
  };
  assert.deepEqual(["0.3.1", "0.4.0", "1.0.0", "1.1.0"].map(usable), [true, true, true, true]);
  assert.deepEqual(["0.1.0", "0.2.0", "2.0.0", undefined].map(usable), [false, false, false, false]);
});

test("property: adding is idempotent, and removing brings back the others", () => {
  const plugins = fc.array(fc.record({ type: fc.constantFrom("bridge", "portmap", "tuning"), extra: fc.jsonValue() }), {
    minLength: 1,
  });
  fc.assert(
    fc.property(plugins, fc.jsonValue(), (chain, extra) => {
      const original = { cniVersion: "1.0.0", name: "n", extra, plugins: chain };
      const once = withEntry(read("a.conflist", original) ?? assert.fail(), entry);
      const again = readNetworkFile("a.conflist", printList(once)) ?? assert.fail();
      assert.ok(hasEntry(again));
      assert.equal(printList(withEntry(again, entry)), printList(once));
      assert.deepEqual(JSON.parse(printList(withoutEntry(again))), JSON.parse(JSON.stringify(original)));
    }),
  );
});
