import type { PlacedService } from "../network/services.ts";

function prefixOf(name: string): string {
  return name.toUpperCase().replaceAll("-", "_");
}

function portVariables(prefix: string, ip: string, port: PlacedService["spec"]["ports"][number]): [string, string][] {
  const protocol = port.protocol.toLowerCase();
  const url = `${protocol}://${ip.includes(":") ? `[${ip}]` : ip}:${port.port}`;
  const name = `${prefix}_PORT_${port.port}_${port.protocol}`;
  return [
    [name, url],
    [`${name}_PROTO`, protocol],
    [`${name}_PORT`, String(port.port)],
    [`${name}_ADDR`, ip],
  ];
}

function variablesOf({ name, clusterIps: [ip], spec: { ports } }: PlacedService): [string, string][] {
  const [first] = ports;
  if (ip === undefined || first === undefined) return [];
  const prefix = prefixOf(name);
  return [
    [`${prefix}_SERVICE_HOST`, ip],
    [`${prefix}_SERVICE_PORT`, String(first.port)],
    ...ports
      .filter((port) => port.name !== "")
      .map((port): [string, string] => [`${prefix}_SERVICE_PORT_${prefixOf(port.name)}`, String(port.port)]),
    [`${prefix}_PORT`, `${first.protocol.toLowerCase()}://${ip.includes(":") ? `[${ip}]` : ip}:${first.port}`],
    ...ports.flatMap((port) => portVariables(prefix, ip, port)),
  ];
}

/**
 * The variables for the Services of a namespace, which containers get unless `enableServiceLinks` is false.
 * Source: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
export function serviceVariables(services: readonly PlacedService[], namespace: string): Map<string, string> {
  return new Map(services.filter((service) => service.namespace === namespace).flatMap(variablesOf));
}
