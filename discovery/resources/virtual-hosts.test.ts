import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { VirtualHostSchema } from "../proto/envoy/config/route/v3/route_components_pb.js";
import { RouteConfigurationSchema } from "../proto/envoy/config/route/v3/route_pb.js";
import { createObjectStore } from "../registry/object-store.ts";
import type { Change } from "../registry/objects.ts";
import { emptySnapshot, nextSnapshot } from "../registry/snapshot.ts";
import { tableOfVirtualHost } from "../translate/names.ts";
import type { Resource } from "../translate/resource.ts";
import { defaultSettings } from "../translate/settings.ts";
import { createMeshResources, type MeshResources } from "./mesh-resources.ts";

const namespaces = ["db", "shop", "svc"] as const;
const names = ["db", "web"] as const;

/** A Service with few names, addresses and hostnames to choose from, so that many of its domains are another's as well. */
const service = fc.record({
  name: fc.constantFrom(...names),
  namespace: fc.constantFrom(...namespaces),
  exportTo: fc.constantFrom("*", ".", "~", "shop", ".,svc"),
  address: fc.constantFrom("None", "10.96.0.1", "10.96.0.2"),
  ports: fc.subarray([80, 8080], { minLength: 1 }),
  pods: fc.uniqueArray(
    fc.record({ ip: fc.constantFrom("10.0.0.1", "10.0.0.2"), hostname: fc.constantFrom("web", "db", "") }),
    { maxLength: 2, selector: ({ ip }) => ip },
  ),
  deleted: fc.boolean(),
});

type GivenService = typeof service extends fc.Arbitrary<infer Given> ? Given : never;

function changesOf({ name, namespace, exportTo, address, ports, pods, deleted }: GivenService): Change[] {
  const annotations = { "networking.istio.io/exportTo": exportTo };
  const spec = { clusterIP: address, ports: ports.map((port) => ({ name: `http-${port}`, port })) };
  return [
    { kind: "Service", deleted, object: { metadata: { name, namespace, annotations }, spec } },
    {
      kind: "EndpointSlice",
      deleted,
      object: {
        metadata: { name: `${name}-1`, namespace, labels: { "kubernetes.io/service-name": name } },
        addressType: "IPv4",
        ports: ports.map((port) => ({ name: `http-${port}`, port })),
        endpoints: pods.map(({ ip, hostname }) => ({ addresses: [ip], hostname, conditions: { ready: true } })),
      },
    },
  ];
}

const messageOf = ({ any }: Resource) => fromBinary(AnySchema, any).value;

/** Domains by table and host, of tables that hold everything. */
function wholeTables(mesh: MeshResources, from: string): Record<string, readonly string[]> {
  const tables = [...mesh.routesOf(from).values()].map((each) => fromBinary(RouteConfigurationSchema, messageOf(each)));
  return Object.fromEntries(
    tables.flatMap(({ name, virtualHosts }) => virtualHosts.map((host) => [`${name}/${host.name}`, host.domains])),
  );
}

/** The same from hosts that come one by one, of tables that there are: what an earlier set has hides what a later one has. */
function delegatedTables(mesh: MeshResources, from: string): Record<string, readonly string[]> {
  const found = new Map<string, Resource>();
  for (const set of mesh.virtualHostsOf(from).toReversed())
    for (const resource of set.values())
      if (mesh.delegatedRoutes.get(tableOfVirtualHost(resource.name)) !== undefined) found.set(resource.name, resource);
  return Object.fromEntries(
    [...found].map(([name, resource]) => {
      const host = fromBinary(VirtualHostSchema, messageOf(resource));
      assert.equal(host.name, name);
      return [name, host.domains];
    }),
  );
}

describe("virtual hosts one by one", () => {
  it("are, for every namespace and after every change, what a table with all of them holds", () => {
    const turns = fc.array(fc.array(service, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(turns, (given) => {
        const objects = createObjectStore();
        const mesh = createMeshResources(defaultSettings);
        let snapshot = emptySnapshot;
        // One namespace is looked at all the time, the others when all is done.
        const looking = ["shop"];
        for (const turn of given) {
          for (const change of turn.flatMap(changesOf)) objects.apply(change);
          snapshot = nextSnapshot(snapshot, objects, objects.takeDirty(), defaultSettings);
          mesh.update(snapshot);
          for (const from of looking) assert.deepEqual(delegatedTables(mesh, from), wholeTables(mesh, from));
        }
        for (const from of namespaces) assert.deepEqual(delegatedTables(mesh, from), wholeTables(mesh, from));
        const tables = new Set(Object.keys(wholeTables(mesh, "shop")).map((name) => name.split("/")[0]));
        assert.deepEqual(new Set([...mesh.delegatedRoutes.values()].map(({ name }) => name)), tables);
      }),
      { numRuns: 300 },
    );
  });

  it("leave what happens to every other Host when the last Service of a port goes", () => {
    const objects = createObjectStore();
    const mesh = createMeshResources(defaultSettings);
    const web: Omit<GivenService, "deleted"> = {
      ...{ name: "web", namespace: "shop", exportTo: "*", address: "10.96.0.1", ports: [80], pods: [] },
    };
    for (const deleted of [false, true]) {
      for (const change of changesOf({ ...web, deleted })) objects.apply(change);
      mesh.update(nextSnapshot(mesh.view.snapshot, objects, objects.takeDirty(), defaultSettings));
    }
    assert.deepEqual([...mesh.delegatedRoutes.values()], []);
    const left = mesh.virtualHostsOf("shop").flatMap((set) => [...set.values()].map(({ name }) => name));
    assert.deepEqual(left, ["80/allow_any"]);
  });

  it("cost others nothing when one comes", () => {
    const objects = createObjectStore();
    const mesh = createMeshResources(defaultSettings);
    const given = { exportTo: "*" as const, ports: [80], pods: [], deleted: false };
    const apply = (...services: GivenService[]) => {
      for (const change of services.flatMap(changesOf)) objects.apply(change);
      mesh.update(nextSnapshot(mesh.view.snapshot, objects, objects.takeDirty(), defaultSettings));
    };
    apply({ ...given, name: "web", namespace: "shop", address: "10.96.0.1" });
    const [own, everywhere] = mesh.virtualHostsOf("db");
    assert.ok(own && everywhere);
    const before = [own.generation, everywhere.generation, mesh.delegatedRoutes.generation];
    apply({ ...given, name: "db", namespace: "shop", address: "10.96.0.2" });
    const [ownBefore = 0, everywhereBefore = 0, tablesBefore] = before;
    assert.deepEqual(
      [...(everywhere.changedSince(everywhereBefore) ?? [])],
      ["80/db.shop.svc.cluster.local:80"],
      "the table's other hosts stay",
    );
    assert.deepEqual([own.generation, mesh.delegatedRoutes.generation], [ownBefore, tablesBefore]);
  });
});
