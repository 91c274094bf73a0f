import {
  create,
  createRegistry,
  type DescMessage,
  fromJson,
  type JsonValue,
  type MessageInitShape,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { type Any, anyPack, type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import type { Extension } from "../../mesh/envoy/message.ts";
import { type AccessLog, AccessLogSchema } from "../proto/envoy/config/accesslog/v3/accesslog_pb.js";
import { type Address, AddressSchema } from "../proto/envoy/config/core/v3/address_pb.js";
import { ApiVersion, type ConfigSource, ConfigSourceSchema } from "../proto/envoy/config/core/v3/config_source_pb.js";
import { StdoutAccessLogSchema } from "../proto/envoy/extensions/access_loggers/stream/v3/stream_pb.js";
import { PreserveCaseFormatterConfigSchema } from "../proto/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb.js";
import { TypedStructSchema } from "../proto/xds/type/v3/typed_struct_pb.js";

/** A message of the schema, packed into `Any`. */
export function pack<Desc extends DescMessage>(schema: Desc, fields: MessageInitShape<Desc>): Any {
  return anyPack(schema, create(schema, fields));
}

export function milliseconds(value: number): Duration {
  return create(DurationSchema, { seconds: BigInt(Math.floor(value / 1000)), nanos: (value % 1000) * 1_000_000 });
}

/** "Ask the stream that this came by." */
export const ads: ConfigSource = create(ConfigSourceSchema, {
  resourceApiVersion: ApiVersion.V3,
  configSourceSpecifier: { case: "ads", value: {} },
});

export function socketAddress(address: string, port: number): Address {
  return create(AddressSchema, {
    address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } },
  });
}

/** The messages that stand in an `Any` of the JSON values of `mesh/envoy`. */
const registry = createRegistry(StdoutAccessLogSchema, PreserveCaseFormatterConfigSchema, TypedStructSchema);

/** An access logger written as JSON in `mesh/envoy`. */
export function accessLogFrom(extension: Extension): AccessLog {
  return fromJson(AccessLogSchema, extension as unknown as JsonValue, { registry });
}

/** An extension whose message our tree of protos lacks: Envoy reads its fields from a struct. */
export function typedStruct(type: string, value: JsonObject): Any {
  const typeUrl = `type.googleapis.com/${type}`;
  return pack(TypedStructSchema, { typeUrl, value });
}

/** A message as JSON, for what our tree of protos has no fields for. */
export function structOf<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): JsonObject {
  return toJson(schema, message, { registry }) as JsonObject;
}

export interface JsonObject {
  [field: string]: JsonField;
}

type JsonField = string | number | boolean | null | JsonObject | JsonField[];
