import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "../proto/envoy/service/discovery/v3/discovery_pb.js";
import type { Resource } from "../translate/resource.ts";

/**
 * Responses are put together from bytes that are encoded already, and are the same for all who see a resource.
 */
const delta = DeltaDiscoveryResponseSchema.field;
const full = DiscoveryResponseSchema.field;

function tag({ number }: { readonly number: number }): number {
  return (number << 3) | WireType.LengthDelimited;
}

export interface DeltaResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly changed: readonly Resource[];
  readonly removed: readonly string[];
}

export function encodeDelta({ typeUrl, nonce, changed, removed }: DeltaResponse): Uint8Array {
  const writer = new BinaryWriter().uint32(tag(delta.typeUrl)).string(typeUrl).uint32(tag(delta.nonce)).string(nonce);
  for (const name of removed) writer.uint32(tag(delta.removedResources)).string(name);
  return Buffer.concat([...changed.map(({ entry }) => entry), writer.finish()]);
}

export interface FullResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly version: string;
  readonly resources: readonly Resource[];
}

export function encodeFull({ typeUrl, nonce, version, resources }: FullResponse): Uint8Array {
  const writer = new BinaryWriter().uint32(tag(full.versionInfo)).string(version);
  for (const { any } of resources) writer.uint32(tag(full.resources)).bytes(any);
  return writer.uint32(tag(full.typeUrl)).string(typeUrl).uint32(tag(full.nonce)).string(nonce).finish();
}

function decoder<Desc extends DescMessage>(schema: Desc) {
  return (bytes: Uint8Array) => fromBinary(schema, bytes);
}

export const decodeDelta: (bytes: Uint8Array) => DeltaDiscoveryRequest = decoder(DeltaDiscoveryRequestSchema);
export const decodeFull: (bytes: Uint8Array) => DiscoveryRequest = decoder(DiscoveryRequestSchema);
