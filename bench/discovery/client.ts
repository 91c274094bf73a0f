import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream, credentials, Metadata } from "@grpc/grpc-js";
import { adsService } from "../../discovery/ads/server.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../discovery/proto/envoy/service/discovery/v3/discovery_pb.js";
import { resourceKinds, typeUrls } from "../../discovery/translate/resource.ts";
import type { BenchPod } from "./cluster.ts";

/** A delta client that asks for what a sidecar asks for and acknowledges everything. */
export interface BenchClient {
  /** Versions of all it has, by kind and name. */
  readonly has: ReadonlyMap<string, Map<string, string>>;
  connect(): void;
  disconnect(): void;
}

/** As many as Envoy lists, which makes its first request about 60 KB. */
const extensions = Array.from({ length: 700 }, (_, index) => ({
  name: `envoy.filters.http.extension_number_${index}`,
  category: "envoy.filters.http",
  typeUrls: [`envoy.extensions.filters.http.number_${index}.v3.Configuration`],
}));

/** As Envoy says what it is: by it discovery knows how it takes route tables. */
const userAgent = {
  userAgentName: "envoy",
  userAgentVersionType: {
    case: "userAgentBuildVersion",
    value: { version: { majorNumber: 1, minorNumber: 40 } },
  },
} as const;

type Call = ClientDuplexStream<Uint8Array, Uint8Array>;

interface Options {
  readonly port: number;
  readonly root: Buffer;
  readonly pod: BenchPod;
  readonly onAnswer: (typeUrl: string, names: readonly string[]) => void;
}

export function createClient({ port, root, pod, onAnswer }: Options): BenchClient {
  const has = new Map<string, Map<string, string>>(resourceKinds.map((kind) => [typeUrls[kind], new Map()]));
  let call: Call | undefined;
  let client: Client | undefined;

  function send(fields: {
    typeUrl: string;
    names?: readonly string[];
    nonce?: string;
    had?: boolean;
    node?: boolean;
  }): void {
    const known = fields.had === true ? Object.fromEntries(has.get(fields.typeUrl) ?? []) : {};
    const id = `sidecar~${pod.ip}~${pod.name}.${pod.namespace}~${pod.namespace}.svc.cluster.local`;
    const request = create(DeltaDiscoveryRequestSchema, {
      typeUrl: fields.typeUrl,
      resourceNamesSubscribe: [...(fields.names ?? [])],
      responseNonce: fields.nonce ?? "",
      initialResourceVersions: known,
      ...(fields.node === true ? { node: { id, extensions, ...userAgent } } : {}),
    });
    call?.write(toBinary(DeltaDiscoveryRequestSchema, request));
  }

  const lacks = (typeUrl: string, name: string) => has.get(typeUrl)?.has(name) !== true;
  const hasNone = (typeUrl: string) => has.get(typeUrl)?.size === 0;

  function followClusters(added: readonly string[]): void {
    const names = added.filter((name) => name.startsWith("outbound|") && lacks(typeUrls.endpoints, name));
    if (names.length > 0) send({ typeUrl: typeUrls.endpoints, names });
    if (hasNone(typeUrls.listeners)) send({ typeUrl: typeUrls.listeners });
  }

  function followListeners(added: readonly string[]): void {
    const ports = added.filter((name) => name.startsWith("0.0.0.0_")).map((name) => name.slice("0.0.0.0_".length));
    const names = ports.filter((name) => lacks(typeUrls.routes, name));
    if (names.length > 0) send({ typeUrl: typeUrls.routes, names });
    if (hasNone(typeUrls.secrets)) send({ typeUrl: typeUrls.secrets, names: ["default", "ROOTCA"] });
  }

  /** What a response leads Envoy to ask for. */
  function follow(typeUrl: string, added: readonly string[]): void {
    if (typeUrl === typeUrls.clusters) followClusters(added);
    if (typeUrl === typeUrls.listeners) followListeners(added);
    // All tables' virtual hosts are asked for once, with the first table.
    if (typeUrl === typeUrls.routes && hasNone(typeUrls.virtualHosts)) send({ typeUrl: typeUrls.virtualHosts });
  }

  function receive(bytes: Uint8Array): void {
    const { typeUrl, nonce, resources, removedResources } = fromBinary(DeltaDiscoveryResponseSchema, bytes);
    const known = has.get(typeUrl);
    const added = resources.filter(({ name }) => known?.has(name) === false).map(({ name }) => name);
    for (const { name, version } of resources) known?.set(name, version);
    for (const name of removedResources) known?.delete(name);
    send({ typeUrl, nonce });
    follow(typeUrl, added);
    onAnswer(typeUrl, [...resources.map(({ name }) => name), ...removedResources]);
  }

  return {
    has,
    connect() {
      client = new Client(`127.0.0.1:${port}`, credentials.createSsl(root), {
        "grpc.use_local_subchannel_pool": 1,
        "grpc.max_receive_message_length": -1,
      });
      const metadata = new Metadata();
      metadata.set("authorization", `Bearer ${pod.name}`);
      const { path, requestSerialize, responseDeserialize } = adsService.delta;
      call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
      call.on("data", receive);
      call.on("error", () => {});
      const isAgain = has.get(typeUrls.clusters)?.size !== 0;
      send({ typeUrl: typeUrls.clusters, node: true, had: isAgain });
      if (!isAgain) return;
      for (const kind of ["endpoints", "routes", "secrets"] as const) {
        send({ typeUrl: typeUrls[kind], names: [...(has.get(typeUrls[kind])?.keys() ?? [])], had: true });
      }
      for (const kind of ["listeners", "virtualHosts"] as const) send({ typeUrl: typeUrls[kind], had: true });
    },
    disconnect() {
      call?.cancel();
      client?.close();
    },
  };
}
