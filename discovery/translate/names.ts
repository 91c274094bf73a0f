/** Names of resources and statistics, as Istio's users know them. */

/** Listeners of every sidecar. */
export const listenerNames = { outbound: "virtualOutbound", inbound: "virtualInbound" } as const;

/** `outbound|80||reviews.default.svc.cluster.local` */
export function outboundClusterName(host: string, port: number): string {
  return `outbound|${port}||${host}`;
}

/** `inbound|8080||` */
export function inboundClusterName(port: number): string {
  return `inbound|${port}||`;
}

/** The route table of all HTTP Services on a port: `80`. */
export function portRouteName(port: number): string {
  return String(port);
}

/**
 * A virtual host that is a resource of its own: `80/reviews.default.svc.cluster.local:80`. Envoy puts it into the table
 * that stands before the slash, and takes it out by this name.
 * Source: https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/http/http_conn_man/vhds
 */
export function virtualHostName(table: string, host: string): string {
  return `${table}/${host}`;
}

/** The table that a virtual host of its own belongs to. */
export function tableOfVirtualHost(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf("/")));
}

/** The route table of one Service's port whose protocol is found out: `reviews.default.svc.cluster.local:9000`. */
export function serviceRouteName(host: string, port: number): string {
  return `${host}:${port}`;
}

/** A listener of one address: `10.96.0.7_5432`. */
export function addressListenerName(address: string, port: number): string {
  return `${address}_${port}`;
}

/** The two secrets of a workload: its certificate with the key, and the roots that it trusts. */
export const secretNames = { certificate: "default", roots: "ROOTCA" } as const;

/** What a client offers in ALPN, so that the server's filter chains can tell the mesh's TLS from the application's. */
export const alpn = { mesh: "istio", meshHttp: "istio-http/1.1" } as const;

/** The key of endpoint metadata by which a cluster chooses between mutual TLS and plain text. */
export const tlsModeKey = "tlsMode";

/** The key of endpoint metadata by which one Pod of a headless Service is chosen. */
export const podAddressKey = "address";

/** The key under which clusters and endpoints carry what metrics say of them. */
export const metadataNamespace = "outrigger";

/** Set by the server's sidecar on its own answer when the application took no connection, so that it is safe to try again. */
export const unreachedHeader = "x-outrigger-unreached";
