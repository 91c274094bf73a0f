/**
 * The ports and the user of a sidecar, as Istio numbers them.
 * Source: https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio
 */
export const ports = {
  /** Envoy admin, on loopback only. */
  admin: 15000,
  /** Outbound traffic is redirected here. */
  outbound: 15001,
  /** The port that capture validation connects to. */
  probe: 15002,
  /** Debug interface of a node agent. */
  debug: 15004,
  /** Inbound traffic is redirected here. */
  inbound: 15006,
  /** HBONE: tunnelled traffic, never redirected. */
  tunnel: 15008,
  /** Merged Prometheus metrics and rewritten probes. */
  status: 15020,
  /** Health of the sidecar itself. */
  health: 15021,
  /** DNS capture. */
  dns: 15053,
  /** Envoy's own Prometheus metrics. */
  prometheus: 15090,
} as const;

/** Ports that an application must not use, in ascending order. */
export const reservedPorts: readonly number[] = [
  ports.admin,
  ports.outbound,
  ports.debug,
  ports.inbound,
  ports.tunnel,
  ports.status,
  ports.health,
  ports.dns,
  ports.prometheus,
];

/** The uid and gid of istio-proxy: traffic of this owner is not captured again. */
export const proxyId = 1337;

/** A TCP or UDP port that traffic can be sent to. */
export function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65535;
}
