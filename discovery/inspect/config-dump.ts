import { X509Certificate } from "node:crypto";

/**
 * What Envoy's admin interface tells, as far as it is shown. Fields that Envoy leaves out are its defaults.
 * Source: https://www.envoyproxy.io/docs/envoy/v1.40.0/operations/admin
 */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [field: string]: JsonValue };

/** Walks into a value by field names and indexes; undefined where there is nothing. */
export function at(value: JsonValue | undefined, ...path: readonly (string | number)[]): JsonValue | undefined {
  let current = value;
  for (const step of path) {
    if (typeof current !== "object" || current === null) return undefined;
    current = Array.isArray(current) ? current[Number(step)] : current[step];
  }
  return current;
}

export function text(value: JsonValue | undefined): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

export function list(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

/** The parts of a config dump whose type ends so: `ListenersConfigDump`. */
export function sections(dump: JsonValue, type: string): JsonValue[] {
  return list(at(dump, "configs")).filter((section) => text(at(section, "@type")).endsWith(type));
}

export type ShownKind = "listeners" | "routes" | "clusters" | "endpoints" | "secrets";

export const shownKinds: readonly ShownKind[] = ["listeners", "routes", "clusters", "endpoints", "secrets"];

/** The resources of a kind in a config dump, static ones first. */
export function resourcesOf(dump: JsonValue, kind: Exclude<ShownKind, "endpoints">): JsonValue[] {
  switch (kind) {
    case "listeners":
      return sections(dump, "ListenersConfigDump").flatMap((section) => [
        ...list(at(section, "static_listeners")).flatMap((entry) => at(entry, "listener") ?? []),
        ...list(at(section, "dynamic_listeners")).flatMap((entry) => at(entry, "active_state", "listener") ?? []),
      ]);
    case "routes":
      return sections(dump, "RoutesConfigDump").flatMap((section) =>
        [...list(at(section, "static_route_configs")), ...list(at(section, "dynamic_route_configs"))].flatMap(
          (entry) => at(entry, "route_config") ?? [],
        ),
      );
    case "clusters":
      return sections(dump, "ClustersConfigDump").flatMap((section) =>
        [...list(at(section, "static_clusters")), ...list(at(section, "dynamic_active_clusters"))].flatMap(
          (entry) => at(entry, "cluster") ?? [],
        ),
      );
    case "secrets":
      return sections(dump, "SecretsConfigDump").flatMap((section) => [
        ...list(at(section, "static_secrets")),
        ...list(at(section, "dynamic_active_secrets")),
      ]);
  }
}

/** The first certificate of a secret, be it a workload's own or a root. */
export function certificateOf(secret: JsonValue): X509Certificate | undefined {
  const source =
    at(secret, "secret", "tls_certificate", "certificate_chain") ??
    at(secret, "secret", "validation_context", "trusted_ca");
  const inline = text(at(source, "inline_string"));
  const pem = inline === "" ? Buffer.from(text(at(source, "inline_bytes")), "base64").toString("utf8") : inline;
  return pem.includes("BEGIN CERTIFICATE") ? new X509Certificate(pem) : undefined;
}
