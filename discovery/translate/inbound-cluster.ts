import { create } from "@bufbuild/protobuf";
import { Cluster_DiscoveryType, Cluster_LbPolicy, ClusterSchema } from "../proto/envoy/config/cluster/v3/cluster_pb.js";
import { unlimitedCircuits } from "./cluster.ts";
import { downstreamHttp } from "./http-options.ts";
import { milliseconds } from "./message.ts";
import { inboundClusterName } from "./names.ts";
import { type Resource, resource } from "./resource.ts";

/** Inbound traffic leaves Envoy from here, so that capture knows it and lets it pass to the application. */
const inboundSource = { ipv4: "127.0.0.6", ipv6: "::6" } as const;

const anyPort = { portSpecifier: { case: "portValue" as const, value: 0 } };

/** The application's port: the connection goes on to where it was going. */
export function inboundCluster(port: number): Resource {
  const name = inboundClusterName(port);
  const cluster = create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    connectTimeout: milliseconds(10_000),
    circuitBreakers: unlimitedCircuits,
    typedExtensionProtocolOptions: downstreamHttp,
    upstreamBindConfig: {
      sourceAddress: { address: inboundSource.ipv4, ...anyPort },
      extraSourceAddresses: [{ address: { address: inboundSource.ipv6, ...anyPort } }],
    },
  });
  return resource("clusters", name, ClusterSchema, cluster);
}
