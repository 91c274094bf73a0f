import type { ProxyStatus } from "../../mesh/proxy-status.ts";
import { table } from "./table.ts";

/** A proxy's status with the replica of discovery that told it. */
export interface ReportedStatus extends ProxyStatus {
  readonly replica: string;
}

const columns = {
  CDS: "clusters",
  LDS: "listeners",
  EDS: "endpoints",
  RDS: "routes",
  VHDS: "virtualHosts",
  SDS: "secrets",
} as const;

export function proxyName({ pod, namespace }: Pick<ProxyStatus, "pod" | "namespace">): string {
  return `${pod}.${namespace}`;
}

/** Who is connected, and how far in sync each is; below that, what was refused and in which words. */
export function statusTable(statuses: readonly ReportedStatus[]): string {
  const sorted = [...statuses].sort((one, other) => (proxyName(one) < proxyName(other) ? -1 : 1));
  const rows = sorted.map((status) => [
    proxyName(status),
    ...Object.values(columns).map((kind) => status.kinds[kind]?.state ?? "NOT SENT"),
    status.replica,
  ]);
  const refusals = sorted.flatMap((status) =>
    Object.entries(columns).flatMap(([name, kind]) => {
      const refused = status.kinds[kind]?.refused;
      if (refused === undefined) return [];
      return [
        `\n${proxyName(status)} refused ${name} at ${refused.at} (${refused.names.join(", ")}):\n  ${refused.message}\n`,
      ];
    }),
  );
  return table(["NAME", ...Object.keys(columns), "DISCOVERY"], rows) + refusals.join("");
}
