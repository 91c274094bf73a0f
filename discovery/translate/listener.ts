import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { IpFamilies } from "../../mesh/envoy/address.ts";
import { protocolDetectionTimeoutMs } from "../../mesh/envoy/protocol-detection.ts";
import { TrafficDirection } from "../proto/envoy/config/core/v3/base_pb.js";
import {
  type Filter,
  type ListenerFilter,
  ListenerFilterSchema,
} from "../proto/envoy/config/listener/v3/listener_components_pb.js";
import { ListenerSchema } from "../proto/envoy/config/listener/v3/listener_pb.js";
import { HttpInspectorSchema } from "../proto/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js";
import { OriginalDstSchema } from "../proto/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js";
import { TlsInspectorSchema } from "../proto/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js";
import { milliseconds, pack, socketAddress } from "./message.ts";

/** What http_inspector says of plain HTTP. */
export const plainHttpProtocols = ["http/1.0", "http/1.1", "h2c"];

export const detectionTimeout = milliseconds(protocolDetectionTimeoutMs);

export const originalDestination: ListenerFilter = create(ListenerFilterSchema, {
  name: "envoy.filters.listener.original_dst",
  configType: { case: "typedConfig", value: pack(OriginalDstSchema, {}) },
});

export const httpInspector: ListenerFilter = create(ListenerFilterSchema, {
  name: "envoy.filters.listener.http_inspector",
  configType: { case: "typedConfig", value: pack(HttpInspectorSchema, {}) },
});

export const tlsInspector: ListenerFilter = create(ListenerFilterSchema, {
  name: "envoy.filters.listener.tls_inspector",
  configType: { case: "typedConfig", value: pack(TlsInspectorSchema, {}) },
});

/** A socket on every address of the Pod. */
export function captureAddress(families: IpFamilies, port: number) {
  if (families === "ipv4") return { address: socketAddress("0.0.0.0", port) };
  return {
    address: {
      address: {
        case: "socketAddress" as const,
        value: { address: "::", ipv4Compat: true, portSpecifier: { case: "portValue" as const, value: port } },
      },
    },
  };
}

type Listener = MessageInitShape<typeof ListenerSchema>;

/** A listener without a socket: 15001 hands it the connections that were meant for its address. */
export function handedListener(name: string, addresses: readonly string[], port: number, parts: Listener) {
  const [first = "0.0.0.0", ...others] = addresses;
  return create(ListenerSchema, {
    name,
    address: socketAddress(first, port),
    additionalAddresses: others.map((address) => ({ address: socketAddress(address, port) })),
    bindToPort: false,
    trafficDirection: TrafficDirection.OUTBOUND,
    continueOnListenerFiltersTimeout: true,
    listenerFiltersTimeout: detectionTimeout,
    ...parts,
  });
}

/** A filter chain by name, for connections that match. */
export function chain(name: string, filters: Filter[], applicationProtocols: string[] = []) {
  return applicationProtocols.length === 0
    ? { name, filters }
    : { name, filters, filterChainMatch: { applicationProtocols } };
}
