import { createHash } from "node:crypto";
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** The kinds of resources that Envoy asks for, by the short names that people use. */
export const typeUrls = {
  clusters: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  endpoints: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
  listeners: "type.googleapis.com/envoy.config.listener.v3.Listener",
  routes: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
  virtualHosts: "type.googleapis.com/envoy.config.route.v3.VirtualHost",
  secrets: "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
} as const;

export type ResourceKind = keyof typeof typeUrls;

export const resourceKinds = Object.keys(typeUrls) as readonly ResourceKind[];

/**
 * A resource as it travels. It is encoded once, when it changes, and the same bytes go to every proxy that sees it.
 */
export interface Resource {
  readonly name: string;
  /** A hash of the content: equal on every replica, and over restarts. */
  readonly version: string;
  /** An encoded `google.protobuf.Any`. */
  readonly any: Uint8Array;
  /** Field `resources` of an encoded `DeltaDiscoveryResponse`: tag, length and content. `any` is the last part of it. */
  readonly entry: Uint8Array;
}

/** Field numbers of the wrapping messages, which change with none of Envoy's versions. */
const field = {
  anyTypeUrl: 1,
  anyValue: 2,
  entryVersion: 1,
  entryResource: 2,
  entryName: 3,
  responseResources: 2,
} as const;

function tag(number: number): number {
  return (number << 3) | WireType.LengthDelimited;
}

/** A field of bytes, encoded: tag, length and content. */
export function lengthDelimited(number: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([new BinaryWriter().uint32(tag(number)).uint32(content.length).finish(), content]);
}

function anyOf(typeUrl: string, value: Uint8Array): Uint8Array {
  return new BinaryWriter()
    .uint32(tag(field.anyTypeUrl))
    .string(typeUrl)
    .uint32(tag(field.anyValue))
    .bytes(value)
    .finish();
}

/** 16 hexadecimal digits of SHA-256. */
function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

/** Wraps an encoded message as a resource of the given name. */
export function encodedResource(kind: ResourceKind, name: string, message: Uint8Array): Resource {
  const any = anyOf(typeUrls[kind], message);
  const version = hashOf(any);
  const content = new BinaryWriter()
    .uint32(tag(field.entryVersion))
    .string(version)
    .uint32(tag(field.entryName))
    .string(name)
    .uint32(tag(field.entryResource))
    .bytes(any)
    .finish();
  const entry = lengthDelimited(field.responseResources, content);
  return { name, version, any: entry.subarray(entry.length - any.length), entry };
}

/** Encodes a message as a resource of the given name. */
export function resource<Desc extends DescMessage>(
  kind: ResourceKind,
  name: string,
  schema: Desc,
  message: MessageShape<Desc>,
): Resource {
  return encodedResource(kind, name, toBinary(schema, message));
}
