/**
 * Envoy configuration as values, in the field names of its protobuf messages.
 * Source: https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3/api
 */

/** A message packed into `Any`. */
export interface TypedConfig {
  readonly "@type": string;
  readonly [field: string]: unknown;
}

/** An extension point: the extension's name and its configuration. */
export interface Extension {
  readonly name: string;
  readonly typed_config: TypedConfig;
}

export interface SocketAddress {
  readonly socket_address: { readonly address: string; readonly port_value: number; readonly ipv4_compat?: boolean };
}

export interface FilterChain {
  readonly name: string;
  readonly filter_chain_match?: {
    readonly destination_port?: number;
    readonly application_protocols?: readonly string[];
  };
  readonly filters: readonly Extension[];
}

export interface ListenerFilter extends Extension {
  /** A predicate: where it holds, the filter does not run. */
  readonly filter_disabled?: Readonly<Record<string, unknown>>;
}

export interface Listener {
  readonly name: string;
  readonly address: SocketAddress;
  readonly filter_chains: readonly FilterChain[];
  readonly default_filter_chain?: FilterChain;
  readonly listener_filters?: readonly ListenerFilter[];
  readonly [field: string]: unknown;
}

export interface Cluster {
  readonly name: string;
  readonly type: "STATIC" | "ORIGINAL_DST" | "STRICT_DNS";
  readonly connect_timeout: string;
  readonly [field: string]: unknown;
}

const typePrefix = "type.googleapis.com/";

/** An extension by name, message type (without the `type.googleapis.com/` prefix) and fields. */
export function extension(name: string, type: string, fields: Readonly<Record<string, unknown>> = {}): Extension {
  return { name, typed_config: { "@type": `${typePrefix}${type}`, ...fields } };
}

export function socketAddress(address: string, port: number): SocketAddress {
  return { socket_address: { address, port_value: port } };
}

export const loopback = "127.0.0.1";
