import { serverFirstPorts } from "../../mesh/envoy/protocol-detection.ts";

/**
 * What a Service's port speaks. `auto` is found out from a connection's first bytes; `tls` is passed on as it comes.
 */
export type Protocol = "http" | "http2" | "grpc" | "tcp" | "tls" | "udp" | "auto";

/**
 * Words of `appProtocol` and of a port's name before the first `-`.
 * Source: https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
 */
const byWord: ReadonlyMap<string, Protocol> = new Map(
  Object.entries({
    http: "http",
    "kubernetes.io/ws": "http",
    http2: "http2",
    "kubernetes.io/h2c": "http2",
    grpc: "grpc",
    "grpc-web": "http",
    https: "tls",
    tls: "tls",
    "kubernetes.io/wss": "tls",
    tcp: "tcp",
    mongo: "tcp",
    mysql: "tcp",
    redis: "tcp",
    postgres: "tcp",
    udp: "udp",
  } as const),
);

/** Nothing can be found out here from a client's first bytes: the server speaks first, or it is DNS or MongoDB. */
const opaquePorts: readonly number[] = [...serverFirstPorts, 53, 27017];

export interface PortHints {
  readonly port: number;
  readonly name?: string | undefined;
  readonly appProtocol?: string | undefined;
  /** Kubernetes' own field: TCP unless given. */
  readonly transport?: string | undefined;
}

function fromName(name: string): Protocol | undefined {
  const lower = name.toLowerCase();
  if (lower === "grpc-web" || lower.startsWith("grpc-web-")) return byWord.get("grpc-web");
  return byWord.get(lower.split("-", 1)[0] ?? "");
}

/** The protocol of a Service's port: `appProtocol`, then the name, then the port's number; else it is found out. */
export function portProtocol({ port, name = "", appProtocol = "", transport = "TCP" }: PortHints): Protocol {
  if (transport === "UDP") return "udp";
  if (transport !== "TCP") return "tcp";
  return byWord.get(appProtocol.toLowerCase()) ?? fromName(name) ?? (opaquePorts.includes(port) ? "tcp" : "auto");
}

/** Whether requests of the protocol are routed by their Host. */
export function isHttp(protocol: Protocol): boolean {
  return protocol === "http" || protocol === "http2" || protocol === "grpc";
}
