import { toBinary } from "@bufbuild/protobuf";
import { type VirtualHost, VirtualHostSchema } from "../proto/envoy/config/route/v3/route_components_pb.js";
import { type RouteConfiguration, RouteConfigurationSchema } from "../proto/envoy/config/route/v3/route_pb.js";
import { encodedResource, lengthDelimited, type Resource } from "./resource.ts";

/**
 * A virtual host, encoded once. A table of a thousand of them is built for every namespace when one Service comes or goes:
 * that must cost a copy, not a thousand encodings.
 */
export interface EncodedHost {
  readonly host: VirtualHost;
  /** Field `virtual_hosts` of an encoded `RouteConfiguration`. */
  readonly bytes: Uint8Array;
}

export function encodeHost(host: VirtualHost): EncodedHost {
  const { number } = RouteConfigurationSchema.field.virtualHosts;
  return { host, bytes: lengthDelimited(number, toBinary(VirtualHostSchema, host)) };
}

/**
 * Envoy refuses a table in which two virtual hosts have the same domain (`web.db` may be a Service of the namespace `db`,
 * or a Pod of this namespace's headless Service `db`): the first keeps it.
 */
function withoutRepeats(hosts: Iterable<EncodedHost>): EncodedHost[] {
  const seen = new Set<string>();
  const kept: EncodedHost[] = [];
  for (const encoded of hosts) {
    const domains = encoded.host.domains.filter((domain) => !seen.has(domain));
    for (const domain of domains) seen.add(domain);
    if (domains.length === encoded.host.domains.length) kept.push(encoded);
    else if (domains.length > 0) kept.push(encodeHost({ ...encoded.host, domains }));
  }
  return kept;
}

/** Protobuf lets a repeated field's elements stand after the other fields: the table is their concatenation. */
export function encodedRouteTable(fields: RouteConfiguration, hosts: Iterable<EncodedHost>): Resource {
  const encoded = withoutRepeats(hosts).map(({ bytes }) => bytes);
  return encodedResource(
    "routes",
    fields.name,
    Buffer.concat([toBinary(RouteConfigurationSchema, fields), ...encoded]),
  );
}
