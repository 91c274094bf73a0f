import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { ClusterSchema } from "../proto/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "../proto/envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "../proto/envoy/config/listener/v3/listener_pb.js";
import { RouteConfigurationSchema } from "../proto/envoy/config/route/v3/route_pb.js";
import { createObjectStore } from "../registry/object-store.ts";
import type { Change, EndpointSliceObject, PodObject, ServiceObject } from "../registry/objects.ts";
import { emptySnapshot, nextSnapshot } from "../registry/snapshot.ts";
import { defaultSettings } from "../translate/settings.ts";
import { createMeshResources } from "./mesh-resources.ts";
import { proxyResources } from "./proxy-resources.ts";
import type { ResourceSet } from "./resource-set.ts";

function read<Desc extends DescMessage>(schema: Desc, set: ResourceSet, name: string): MessageShape<Desc> {
  const resource = set.get(name);
  assert.ok(resource, `there is no ${name}`);
  return fromBinary(schema, fromBinary(AnySchema, resource.any).value);
}

function service(name: string, spec: ServiceObject["spec"] & object, namespace = "shop"): Change {
  return { kind: "Service", deleted: false, object: { metadata: { name, namespace }, spec } };
}

function pod(name: string, ip: string, labels: Record<string, string>, meshed = true, namespace = "shop"): Change {
  const object: PodObject = {
    metadata: {
      name,
      namespace,
      uid: name,
      labels: { ...labels, ...(meshed ? { "security.istio.io/tlsMode": "istio" } : {}) },
    },
    spec: {
      serviceAccountName: labels.app ?? "default",
      containers: [{ name: "app", ports: [{ name: "web", containerPort: 8080 }] }],
    },
    status: { podIPs: [{ ip }] },
  };
  return { kind: "Pod", deleted: false, object };
}

function slice(of: string, pods: Record<string, string>, port = 8080, portName = "", namespace = "shop"): Change {
  const object: EndpointSliceObject = {
    metadata: { name: `${of}-1`, namespace, labels: { "kubernetes.io/service-name": of } },
    addressType: "IPv4",
    ports: [{ name: portName, port }],
    endpoints: Object.entries(pods).map(([name, ip]) => ({
      addresses: [ip],
      hostname: name,
      conditions: { ready: true },
      targetRef: { kind: "Pod", name, namespace },
    })),
  };
  return { kind: "EndpointSlice", deleted: false, object };
}

function createMesh(settings = defaultSettings) {
  const objects = createObjectStore();
  const mesh = createMeshResources(settings);
  let snapshot = emptySnapshot;
  return {
    mesh,
    apply(...changes: Change[]) {
      for (const change of changes) objects.apply(change);
      snapshot = nextSnapshot(snapshot, objects, objects.takeDirty(), settings);
      return mesh.update(snapshot);
    },
  };
}

const names = (set: ResourceSet) => [...set.values()].map(({ name }) => name).sort();
const domainsOf = (set: ResourceSet, name: string) =>
  Object.fromEntries(
    read(RouteConfigurationSchema, set, name).virtualHosts.map((host) => [host.name, host.domains] as const),
  );

describe("what a Service becomes", () => {
  it("HTTP by name: a cluster, endpoints, the port's listener and route table", () => {
    const { mesh, apply } = createMesh();
    apply(
      service("web", { clusterIP: "10.96.0.1", ports: [{ name: "http", port: 80, targetPort: "web" }] }),
      pod("web-1", "10.0.0.1", { app: "web" }),
      slice("web", { "web-1": "10.0.0.1" }, 8080, "http"),
    );
    assert.deepEqual(names(mesh.clusters), ["outbound|80||web.shop.svc.cluster.local"]);
    assert.deepEqual(names(mesh.listeners), ["0.0.0.0_80"]);
    assert.deepEqual(names(mesh.routesOf("shop")), ["80"]);
    const { endpoints } = read(ClusterLoadAssignmentSchema, mesh.endpoints, "outbound|80||web.shop.svc.cluster.local");
    assert.equal(endpoints[0]?.lbEndpoints.length, 1);
    const metadata = endpoints[0]?.lbEndpoints[0]?.metadata?.filterMetadata;
    assert.deepEqual(metadata?.["envoy.transport_socket_match"], { tlsMode: "istio" });
  });

  it("has every form of its name, the short one in its own namespace only", () => {
    const { mesh, apply } = createMesh();
    apply(service("web", { clusterIP: "10.96.0.1", ports: [{ name: "http", port: 80 }] }));
    const far = ["web.shop.svc.cluster.local", "web.shop.svc", "web.shop"];
    const host = "web.shop.svc.cluster.local:80";
    assert.deepEqual(domainsOf(mesh.routesOf("shop"), "80"), {
      [host]: [...far, "web", "10.96.0.1"],
      allow_any: ["*"],
    });
    assert.deepEqual(domainsOf(mesh.routesOf("other"), "80"), { [host]: [...far, "10.96.0.1"], allow_any: ["*"] });
  });

  it("bytes: a listener of the Service's own addresses", () => {
    const { mesh, apply } = createMesh();
    apply(service("db", { clusterIPs: ["10.96.0.2", "fd00::2"], ports: [{ name: "tcp", port: 5432 }] }));
    assert.deepEqual(names(mesh.listeners), ["10.96.0.2_5432"]);
    const { additionalAddresses } = read(ListenerSchema, mesh.listeners, "10.96.0.2_5432");
    assert.equal(additionalAddresses.length, 1);
  });

  it("nothing said: finds out, by the Service's address and by the Host", () => {
    const { mesh, apply } = createMesh();
    apply(service("any", { clusterIP: "10.96.0.3", ports: [{ port: 9000 }] }));
    assert.deepEqual(names(mesh.listeners), ["0.0.0.0_9000", "10.96.0.3_9000"]);
    assert.deepEqual(names(mesh.serviceRoutes), ["any.shop.svc.cluster.local:9000"]);
    assert.deepEqual(names(mesh.routesOf("shop")), ["9000"]);
  });

  it("headless: a listener and a host for each Pod", () => {
    const { mesh, apply } = createMesh();
    apply(
      service("db", {
        clusterIP: "None",
        ports: [
          { name: "tcp", port: 5432 },
          { name: "http", port: 80 },
        ],
      }),
      slice("db", { "db-0": "10.0.0.5", "db-1": "10.0.0.6" }, 5432, "tcp"),
    );
    assert.deepEqual(names(mesh.listeners), ["0.0.0.0_80", "10.0.0.5_5432", "10.0.0.6_5432"]);
    const pods = domainsOf(mesh.routesOf("shop"), "80")["10.0.0.5:db.shop.svc.cluster.local:80"];
    assert.ok(pods?.includes("db-0.db.shop.svc.cluster.local"));
    assert.ok(pods?.includes("10.0.0.5"));
    const { lbSubsetConfig } = read(ClusterSchema, mesh.clusters, "outbound|5432||db.shop.svc.cluster.local");
    assert.deepEqual(lbSubsetConfig?.subsetSelectors[0]?.keys, ["address"]);
  });

  it("ExternalName: a name to look up, or another Service of the mesh", () => {
    const { mesh, apply } = createMesh();
    const ports = [{ name: "http", port: 80 }];
    const target = () => {
      const { virtualHosts } = read(RouteConfigurationSchema, mesh.routesOf("shop"), "80");
      const action = virtualHosts.find(({ name }) => name.startsWith("alias"))?.routes[0]?.action;
      return action?.case === "route" ? action.value.clusterSpecifier.value : undefined;
    };
    apply(service("alias", { type: "ExternalName", externalName: "web.other.svc.cluster.local", ports }));
    assert.equal(target(), "outbound|80||alias.shop.svc.cluster.local");
    apply(service("web", { clusterIP: "10.96.0.9", ports }, "other"));
    assert.equal(target(), "outbound|80||web.other.svc.cluster.local");
  });

  it("UDP and a Service without an address: nothing", () => {
    const { mesh, apply } = createMesh();
    apply(service("dns", { clusterIP: "10.96.0.4", ports: [{ port: 53, protocol: "UDP" }] }), service("new", {}));
    assert.deepEqual([names(mesh.clusters), names(mesh.listeners)], [[], []]);
  });

  it("REGISTRY_ONLY: other Hosts are refused", () => {
    const { mesh, apply } = createMesh({ ...defaultSettings, outboundTraffic: "REGISTRY_ONLY" });
    apply(service("web", { clusterIP: "10.96.0.1", ports: [{ name: "http", port: 80 }] }));
    assert.deepEqual(domainsOf(mesh.routesOf("shop"), "80").block_all, ["*"]);
  });

  it("two domains that are the same: the first keeps it", () => {
    const { mesh, apply } = createMesh();
    const ports = [{ name: "http", port: 80 }];
    apply(
      service("db", { clusterIP: "None", ports }),
      slice("db", { web: "10.0.0.5" }, 80, "http"),
      service("web", { clusterIP: "10.96.0.1", ports }, "db"),
    );
    const hosts = Object.values(domainsOf(mesh.routesOf("shop"), "80")).flat();
    assert.equal(hosts.filter((domain) => domain === "web.db").length, 1);
  });
});

describe("what a change costs", () => {
  const shop = [
    service("web", { clusterIP: "10.96.0.1", ports: [{ name: "http", port: 80 }] }),
    service("db", { clusterIP: "10.96.0.2", ports: [{ name: "tcp", port: 5432 }] }),
    pod("web-1", "10.0.0.1", { app: "web" }),
    pod("web-2", "10.0.0.2", { app: "web" }),
    slice("web", { "web-1": "10.0.0.1" }, 8080, "http"),
  ];
  const generations = ({ mesh }: ReturnType<typeof createMesh>) => [
    mesh.clusters.generation,
    mesh.endpoints.generation,
    mesh.listeners.generation,
    mesh.routesOf("shop").generation,
  ];

  it("another endpoint of the same identity changes endpoints alone", () => {
    const lab = createMesh();
    lab.apply(...shop);
    const before = generations(lab);
    lab.apply(slice("web", { "web-1": "10.0.0.1", "web-2": "10.0.0.2" }, 8080, "http"));
    const [clusters, endpoints, listeners, routes] = before;
    assert.deepEqual(generations(lab), [clusters, (endpoints ?? 0) + 1, listeners, routes]);
    assert.deepEqual(
      [...(lab.mesh.endpoints.changedSince(endpoints ?? 0) ?? [])],
      ["outbound|80||web.shop.svc.cluster.local"],
    );
  });

  it("an update that changes nothing changes nothing", () => {
    const lab = createMesh();
    lab.apply(...shop);
    const before = generations(lab);
    lab.apply(...shop);
    assert.deepEqual(generations(lab), before);
  });

  it("a Service that goes takes all that is its own with it", () => {
    const lab = createMesh();
    lab.apply(...shop);
    const gone: Change[] = shop
      .filter(({ kind }) => kind === "Service")
      .map((change) => ({ ...change, deleted: true }));
    lab.apply(...gone);
    const { mesh } = lab;
    assert.deepEqual([mesh.clusters, mesh.endpoints, mesh.listeners, mesh.routesOf("shop")].map(names), [
      [],
      [],
      [],
      [],
    ]);
  });
});

describe("who sees a Service", () => {
  const ports = [
    { name: "http", port: 80 },
    { name: "tcp", port: 5432 },
  ];
  const exported = (name: string, exportTo: string): Change => {
    const change = service(name, { clusterIP: "10.96.0.1", ports }) as Extract<Change, { kind: "Service" }>;
    const metadata = { ...change.object.metadata, annotations: { "networking.istio.io/exportTo": exportTo } };
    return { ...change, object: { ...change.object, metadata } };
  };
  const seen = ({ mesh }: ReturnType<typeof createMesh>, from: string) => ({
    clusters: [...names(mesh.clusters), ...names(mesh.scopeOf(from).clusters)].length,
    listeners: names(mesh.scopeOf(from).listeners),
    hosts: Object.keys(domainsOf(mesh.routesOf(from), "80")),
  });

  it("by exportTo: its own namespace alone, then another as well, then all", () => {
    const lab = createMesh();
    lab.apply(exported("web", "."));
    const host = "web.shop.svc.cluster.local:80";
    const full = { clusters: 2, listeners: ["10.96.0.1_5432"], hosts: [host, "allow_any"] };
    const none = { clusters: 0, listeners: [], hosts: ["allow_any"] };
    assert.deepEqual([seen(lab, "shop"), seen(lab, "other"), seen(lab, "third")], [full, none, none]);
    lab.apply(exported("web", ".,other"));
    assert.deepEqual([seen(lab, "shop"), seen(lab, "other"), seen(lab, "third")], [full, full, none]);
    lab.apply(exported("web", "*"));
    const shared = { ...full, listeners: [] };
    assert.deepEqual([seen(lab, "shop"), seen(lab, "third")], [shared, shared]);
    lab.apply(exported("web", "~"));
    assert.deepEqual(seen(lab, "shop").clusters, 0);
  });

  it("a change costs those who do not see it nothing", () => {
    const lab = createMesh({ ...defaultSettings, exportTo: "." });
    lab.apply(
      service("web", { clusterIP: "10.96.0.1", ports }),
      service("api", { clusterIP: "10.96.0.2", ports }, "other"),
    );
    const generations = (from: string) => [
      lab.mesh.clusters.generation,
      lab.mesh.scopeOf(from).clusters.generation,
      lab.mesh.routesOf(from).generation,
    ];
    const [own, others] = [generations("shop"), generations("other")];
    lab.apply(service("late", { clusterIP: "10.96.0.3", ports }));
    assert.notDeepEqual(generations("shop"), own);
    assert.deepEqual(generations("other"), others);
  });
});

describe("mutual TLS by PeerAuthentication", () => {
  const shop = [
    service("web", {
      clusterIP: "10.96.0.1",
      ports: [{ name: "http", port: 80, targetPort: "web" }],
      selector: { app: "web" },
    }),
    pod("web-1", "10.0.0.1", { app: "web" }),
    slice("web", { "web-1": "10.0.0.1" }, 8080, "http"),
  ];
  const policy = (mode: string): Change => ({
    kind: "PeerAuthentication",
    deleted: false,
    object: { metadata: { namespace: "shop", name: "default" }, spec: { mtls: { mode } } },
  });
  const cluster = "outbound|80||web.shop.svc.cluster.local";

  function chains(lab: ReturnType<typeof createMesh>): string[] {
    const workload = lab.mesh.view.snapshot.workloads.get("shop/web-1");
    assert.ok(workload);
    const inbound = proxyResources(lab.mesh.view, workload).listeners.find(({ name }) => name === "virtualInbound");
    assert.ok(inbound);
    return fromBinary(ListenerSchema, fromBinary(AnySchema, inbound.any).value).filterChains.map(({ name }) => name);
  }

  it("takes both until told otherwise", () => {
    const lab = createMesh();
    lab.apply(...shop);
    assert.deepEqual(chains(lab), [
      "virtualInbound-blackhole",
      "0.0.0.0_8080-mtls",
      "0.0.0.0_8080-plain",
      "0.0.0.0_8080-own-tls",
      "virtualInbound-passthrough-mtls-http",
      "virtualInbound-passthrough-mtls-tcp",
      "virtualInbound-passthrough-plain-http",
      "virtualInbound-passthrough-plain-tcp",
      "virtualInbound-passthrough-own-tls",
    ]);
    assert.equal(read(ClusterSchema, lab.mesh.clusters, cluster).transportSocketMatches.length, 2);
  });

  it("STRICT leaves no chain for plain text", () => {
    const lab = createMesh();
    assert.equal(lab.apply(...shop, policy("STRICT")).policies, true);
    assert.deepEqual(
      chains(lab).filter((name) => /plain|own-tls/.test(name)),
      [],
    );
  });

  it("DISABLE: clients speak plain text, and nobody is asked for a certificate", () => {
    const lab = createMesh();
    lab.apply(...shop);
    lab.apply(policy("DISABLE"));
    assert.deepEqual(
      chains(lab).filter((name) => /mtls/.test(name)),
      [],
    );
    assert.deepEqual(read(ClusterSchema, lab.mesh.clusters, cluster).transportSocketMatches, []);
    const { endpoints } = read(ClusterLoadAssignmentSchema, lab.mesh.endpoints, cluster);
    assert.equal(endpoints[0]?.lbEndpoints[0]?.metadata?.filterMetadata["envoy.transport_socket_match"], undefined);
  });
});
