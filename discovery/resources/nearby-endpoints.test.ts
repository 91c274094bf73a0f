import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import * as v from "valibot";
import { type LocalitySettingInput, localitySetting } from "../../mesh/locality-setting.ts";
import { ClusterSchema } from "../proto/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "../proto/envoy/config/endpoint/v3/endpoint_pb.js";
import { createObjectStore } from "../registry/object-store.ts";
import type { Change } from "../registry/objects.ts";
import { emptySnapshot, nextSnapshot } from "../registry/snapshot.ts";
import { deciding } from "../translate/locality.ts";
import { placeOf } from "../translate/place.ts";
import { defaultSettings } from "../translate/settings.ts";
import { createMeshResources } from "./mesh-resources.ts";
import type { ResourceSet } from "./resource-set.ts";

const region = "topology.kubernetes.io/region";
const zone = "topology.kubernetes.io/zone";
const name = "outbound|80||web.shop.svc.cluster.local";

const node = (called: string, where: string): Change => {
  const [inRegion = "", inZone = ""] = where.split("/");
  const metadata = { name: called, labels: { [region]: inRegion, [zone]: inZone } };
  return { kind: "Node", deleted: false, object: { metadata } };
};

function pod(called: string, on: string): Change {
  const metadata = { name: called, namespace: "shop", uid: called, labels: { app: "web" } };
  return { kind: "Pod", deleted: false, object: { metadata, spec: { nodeName: on }, status: { podIP: called } } };
}

function service(trafficDistribution?: string, exportTo = "*"): Change {
  const metadata = { name: "web", namespace: "shop", annotations: { "networking.istio.io/exportTo": exportTo } };
  const spec = { clusterIP: "10.96.0.1", ports: [{ port: 80 }], ...(trafficDistribution && { trafficDistribution }) };
  return { kind: "Service", deleted: false, object: { metadata, spec } };
}

function slice(addresses: readonly string[], draining: readonly string[] = []): Change {
  const metadata = { name: "web-1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } };
  const endpoints = addresses.map((address) => ({
    addresses: [address],
    targetRef: { kind: "Pod", name: address, namespace: "shop" },
    conditions: draining.includes(address) ? { ready: false, serving: true, terminating: true } : { ready: true },
  }));
  const object = { metadata, addressType: "IPv4", ports: [{ name: "", port: 8080 }], endpoints };
  return { kind: "EndpointSlice", deleted: false, object };
}

function createMesh(locality: LocalitySettingInput = { enabled: false }) {
  const settings = { ...defaultSettings, locality: v.parse(localitySetting, locality) };
  const objects = createObjectStore();
  const mesh = createMeshResources(settings);
  let snapshot = emptySnapshot;
  /** The sets of a proxy at `region/zone@node`. */
  const from = (text: string, namespace?: string): readonly ResourceSet[] => {
    const [where = "", on = ""] = text.split("@");
    const [inRegion = "", inZone = ""] = where.split("/");
    const standing = { locality: { region: inRegion, zone: inZone, subZone: "" }, node: on, labels: {} };
    const places = {
      locality: placeOf(standing, deciding("locality", settings.locality)),
      node: placeOf(standing, deciding("node", settings.locality)),
    };
    const scope = namespace === undefined ? mesh : mesh.scopeOf(namespace);
    return [scope.endpoints, ...scope.nearbyEndpoints.from(places)];
  };
  return {
    mesh,
    from,
    apply(...changes: Change[]) {
      for (const change of changes) objects.apply(change);
      snapshot = nextSnapshot(snapshot, objects, objects.takeDirty(), settings);
      mesh.update(snapshot);
    },
    /** Addresses with their priority and their locality's weight, as the proxy at a place is told. */
    seen(text: string, namespace?: string): string[] {
      const resource = from(text, namespace).flatMap((set) => set.get(name) ?? [])[0];
      if (resource === undefined) return [];
      const { endpoints } = fromBinary(ClusterLoadAssignmentSchema, fromBinary(AnySchema, resource.any).value);
      return endpoints.flatMap(({ priority, lbEndpoints, loadBalancingWeight }) =>
        lbEndpoints.map(({ hostIdentifier }) => {
          assert.ok(hostIdentifier.case === "endpoint");
          const address = hostIdentifier.value.address?.address;
          assert.ok(address?.case === "socketAddress");
          return `${address.value.address} ${priority} ${loadBalancingWeight}`;
        }),
      );
    },
  };
}

const nodes = [node("n1", "us/a"), node("n2", "us/b"), node("n3", "eu/a")];
const pods = [pod("10.0.0.1", "n1"), pod("10.0.0.2", "n2"), pod("10.0.0.3", "n3")];
const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

describe("endpoints from different places", () => {
  it("are the same where a Service prefers none", () => {
    const { apply, seen, mesh } = createMesh();
    apply(...nodes, ...pods, service(), slice(addresses));
    assert.equal(mesh.endpoints.size, 1);
    assert.deepEqual(seen("us/a"), ["10.0.0.3 0 1", "10.0.0.1 0 1", "10.0.0.2 0 1"]);
  });

  it("have priorities without gaps where it prefers near ones, and are shared by those of one place", () => {
    const { apply, seen, from } = createMesh();
    apply(...nodes, ...pods, service("PreferClose"), slice(addresses));
    assert.deepEqual(seen("us/a@n1"), ["10.0.0.1 0 1", "10.0.0.2 1 1", "10.0.0.3 2 1"]);
    assert.deepEqual(seen("eu/b"), ["10.0.0.3 0 1", "10.0.0.1 1 1", "10.0.0.2 1 1"]);
    assert.equal(from("us/a@n1")[1], from("us/a@n9")[1]);
    assert.equal(from("us/a@n1")[2]?.size, 0, "nothing differs from node to node");
  });

  it("change where a Service does, and go with it", () => {
    const { apply, seen, mesh, from } = createMesh();
    apply(...nodes, ...pods, service("PreferClose"), slice(addresses));
    const [, held] = from("us/a");
    assert.equal(held?.generation, 1);
    apply(slice(["10.0.0.2"]));
    assert.equal(held.generation, 2);
    assert.deepEqual(seen("us/a"), ["10.0.0.2 0 1"]);
    apply(service("PreferSameNode"));
    assert.deepEqual(seen("us/b@n2"), ["10.0.0.2 0 1"]);
    assert.equal(held.size, 0);
    apply(service("Any"), slice(addresses));
    assert.equal(seen("us/a").length, 3);
    assert.equal(mesh.endpoints.size, 1);
    apply({ ...service(), deleted: true } as Change);
    assert.deepEqual(seen("us/a"), []);
  });

  it("follow a Node into another zone", () => {
    const { apply, seen } = createMesh();
    apply(...nodes, ...pods, service("PreferSameZone"), slice(addresses));
    apply(node("n2", "us/a"));
    assert.deepEqual(seen("us/a"), ["10.0.0.1 0 2", "10.0.0.2 0 2", "10.0.0.3 1 1"]);
  });

  it("can differ from node to node", () => {
    const { apply, seen } = createMesh();
    apply(...nodes, ...pods, pod("10.0.0.4", "n4"), node("n4", "us/a"), service("PreferSameNode"));
    apply(slice([...addresses, "10.0.0.4"]));
    assert.deepEqual(seen("us/a@n4"), ["10.0.0.4 0 1", "10.0.0.1 1 1", "10.0.0.2 2 1", "10.0.0.3 3 1"]);
  });

  it("are seen only by those who see the Service", () => {
    const { apply, seen } = createMesh();
    apply(...nodes, ...pods, service("PreferClose", "shop"), slice(addresses));
    assert.deepEqual(seen("us/a"), []);
    assert.equal(seen("us/a", "shop").length, 3);
  });

  it("are shared out as the mesh says, and the cluster heeds the weights", () => {
    const { apply, seen, mesh } = createMesh({ distribute: [{ from: "us/a/*", to: { "us/a/*": 80, "us/b": 20 } }] });
    apply(...nodes, ...pods, service(), slice(addresses));
    assert.deepEqual(seen("us/a"), ["10.0.0.1 0 800000", "10.0.0.2 0 200000"]);
    assert.equal(seen("us/b").length, 3);
    const cluster = mesh.clusters.get(name);
    assert.ok(cluster);
    const { commonLbConfig } = fromBinary(ClusterSchema, fromBinary(AnySchema, cluster.any).value);
    assert.equal(commonLbConfig?.localityConfigSpecifier.case, "localityWeightedLbConfig");
  });

  it("leave draining ones out, unless no other is there", () => {
    const { apply, seen } = createMesh();
    apply(...nodes, ...pods, service(), slice(addresses, ["10.0.0.1", "10.0.0.3"]));
    assert.deepEqual(seen("us/a"), ["10.0.0.2 0 1"]);
    apply(slice(["10.0.0.1"], ["10.0.0.1"]));
    assert.deepEqual(seen("us/a"), ["10.0.0.1 0 1"]);
  });
});
