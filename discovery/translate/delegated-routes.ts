import { create, toBinary } from "@bufbuild/protobuf";
import { type VirtualHost, VirtualHostSchema } from "../proto/envoy/config/route/v3/route_components_pb.js";
import { VhdsSchema } from "../proto/envoy/config/route/v3/route_pb.js";
import { ads } from "./message.ts";
import { portRouteName, virtualHostName } from "./names.ts";
import { encodedResource, type Resource } from "./resource.ts";
import { encodedRouteTable } from "./route-table.ts";
import { tableFields } from "./routes.ts";

/**
 * A port's route table whose virtual hosts come one by one, as resources of their own (VHDS), so that a Service that comes
 * or goes costs its own hosts and not the table. docs/adr/0085-virtual-hosts-one-by-one.md
 */
export function delegatedTable(port: number): Resource {
  const vhds = create(VhdsSchema, { configSource: ads });
  return encodedRouteTable({ ...tableFields(portRouteName(port)), vhds }, []);
}

/** A virtual host of a port's delegated table. */
export function virtualHostResource(port: number, host: VirtualHost): Resource {
  const name = virtualHostName(portRouteName(port), host.name);
  return encodedResource("virtualHosts", name, toBinary(VirtualHostSchema, { ...host, name }));
}
