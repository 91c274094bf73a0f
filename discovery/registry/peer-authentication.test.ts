import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { byAge, effectiveModes, peerAuthenticationFrom, portMode } from "./peer-authentication.ts";

const root = "outrigger-system";

interface Given {
  readonly namespace: string;
  readonly name?: string;
  readonly labels?: Record<string, string>;
  readonly mode?: string;
  readonly ports?: Record<string, { mode?: string }>;
  readonly created?: string;
}

function policy({ namespace, name = "default", labels, mode, ports, created = "2026-01-01T00:00:00Z" }: Given) {
  return peerAuthenticationFrom({
    metadata: { namespace, name, creationTimestamp: created },
    spec: {
      ...(labels === undefined ? {} : { selector: { matchLabels: labels } }),
      ...(mode === undefined ? {} : { mtls: { mode } }),
      ...(ports === undefined ? {} : { portLevelMtls: ports }),
    },
  });
}

const web = { namespace: "shop", labels: { app: "web" } };
const modesOf = (...given: Given[]) => effectiveModes(given.map(policy).sort(byAge), web, root);

describe("effectiveModes", () => {
  it("is PERMISSIVE without a policy", () => assert.equal(modesOf().mode, "PERMISSIVE"));

  it("takes the narrowest: workload, namespace, mesh", () => {
    const mesh = { namespace: root, mode: "STRICT" };
    const namespace = { namespace: "shop", mode: "DISABLE" };
    const workload = { namespace: "shop", name: "web", labels: { app: "web" }, mode: "PERMISSIVE" };
    assert.equal(modesOf(mesh).mode, "STRICT");
    assert.equal(modesOf(mesh, namespace).mode, "DISABLE");
    assert.equal(modesOf(mesh, namespace, workload).mode, "PERMISSIVE");
  });

  it("passes UNSET on to the next wider policy", () => {
    const workload = { namespace: "shop", name: "web", labels: { app: "web" }, mode: "UNSET" };
    assert.equal(modesOf({ namespace: root, mode: "STRICT" }, { namespace: "shop" }, workload).mode, "STRICT");
  });

  it("leaves alone what a selector or a namespace does not match", () => {
    const other = { namespace: "shop", name: "db", labels: { app: "db" }, mode: "STRICT" };
    assert.equal(modesOf(other, { namespace: "elsewhere", mode: "STRICT" }).mode, "PERMISSIVE");
  });

  it("has ports of their own, UNSET being the workload's mode", () => {
    const ports = { 8080: { mode: "DISABLE" }, 9090: { mode: "UNSET" }, 9091: {} };
    const modes = modesOf({ namespace: "shop", name: "web", labels: { app: "web" }, mode: "STRICT", ports });
    assert.deepEqual(
      [8080, 9090, 9091, 1].map((port) => portMode(modes, port)),
      ["DISABLE", "STRICT", "STRICT", "STRICT"],
    );
  });

  it("looks at ports only in a policy with a selector", () => {
    const modes = modesOf({ namespace: "shop", mode: "STRICT", ports: { 8080: { mode: "DISABLE" } } });
    assert.equal(portMode(modes, 8080), "STRICT");
  });

  it("takes the oldest of two, and the first by name of two of one age", () => {
    const old = { namespace: "shop", name: "z", mode: "STRICT", created: "2025-01-01T00:00:00Z" };
    assert.equal(modesOf({ namespace: "shop", name: "a", mode: "DISABLE" }, old).mode, "STRICT");
    assert.equal(
      modesOf({ namespace: "shop", name: "b", mode: "DISABLE" }, { namespace: "shop", name: "a", mode: "STRICT" }).mode,
      "STRICT",
    );
  });
});
