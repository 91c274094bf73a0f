import type { X509Certificate } from "node:crypto";
import { at, certificateOf, type JsonValue, list, resourcesOf, type ShownKind, text } from "./config-dump.ts";
import { table } from "./table.ts";

type Rows = string[][];

function addressOf(listener: JsonValue): [address: string, port: string] {
  const address = at(listener, "address", "socket_address");
  return [text(at(address, "address")), text(at(address, "port_value"))];
}

function matchOf(chain: JsonValue): string {
  const match = at(chain, "filter_chain_match");
  const parts = [
    ["port", text(at(match, "destination_port"))],
    ["transport", text(at(match, "transport_protocol"))],
    ["protocols", list(at(match, "application_protocols")).map(text).join(",")],
  ];
  const described = parts.filter(([, value]) => value !== "").map(([name, value]) => `${name} ${value}`);
  return described.length === 0 ? "ALL" : described.join("; ");
}

/** Where a filter chain leads: a route table, or a cluster. */
function destinationOf(chain: JsonValue): string {
  for (const filter of list(at(chain, "filters"))) {
    // What our tree of protos lacks is written as a struct, and shown as one.
    const config = at(filter, "typed_config", "value") ?? at(filter, "typed_config");
    const table = text(at(config, "rds", "route_config_name"));
    if (table !== "") return `Route: ${table}`;
    const cluster = text(at(config, "cluster"));
    if (cluster !== "") return `Cluster: ${cluster}`;
    const inline = at(config, "route_config");
    if (inline !== undefined) return `Inline Route: ${text(at(inline, "name"))}`;
  }
  return "";
}

function listenerRows(dump: JsonValue): Rows {
  return resourcesOf(dump, "listeners").flatMap((listener) => {
    const [address, port] = addressOf(listener);
    const last = at(listener, "default_filter_chain");
    const chains = list(at(listener, "filter_chains")).map((chain) => [matchOf(chain), destinationOf(chain)]);
    const all = last === undefined ? chains : [...chains, ["ALL", destinationOf(last)]];
    return all.map(([match = "", destination = ""]) => [address, port, text(at(listener, "name")), match, destination]);
  });
}

function targetOf(route: JsonValue): string {
  const status = text(at(route, "direct_response", "status"));
  return status === "" ? text(at(route, "route", "cluster")) : `status ${status}`;
}

function routeRows(dump: JsonValue): Rows {
  return resourcesOf(dump, "routes").flatMap((table) =>
    list(at(table, "virtual_hosts")).flatMap((host) =>
      list(at(host, "routes")).map((route) => {
        const domains = list(at(host, "domains")).map(text);
        const shown =
          domains.length > 2 ? `${domains.slice(0, 2).join(", ")} + ${domains.length - 2} more` : domains.join(", ");
        const path = text(at(route, "match", "path")) || `${text(at(route, "match", "prefix"))}*`;
        const name = text(at(table, "name"));
        // A virtual host that came by itself has its table's name before its own.
        return [name, text(at(host, "name")).replace(`${name}/`, ""), shown, path, targetOf(route)];
      }),
    ),
  );
}

function clusterRows(dump: JsonValue): Rows {
  return resourcesOf(dump, "clusters").map((cluster) => {
    const name = text(at(cluster, "name"));
    const type = text(at(cluster, "type")) || "STATIC";
    const parts = name.split("|");
    const tls = list(at(cluster, "transport_socket_matches")).length > 0 ? "mutual TLS" : "";
    if (parts.length !== 4) return [name, "-", "-", "-", type, tls];
    const [direction = "", port = "", subset = "", host = ""] = parts;
    return [host || "-", port, subset || "-", direction, type, tls];
  });
}

function socketOf(address: JsonValue | undefined): string {
  const socket = at(address, "socket_address");
  if (socket === undefined) return text(at(address, "pipe", "path"));
  return `${text(at(socket, "address"))}:${text(at(socket, "port_value"))}`;
}

function endpointRows(clusters: JsonValue): Rows {
  return list(at(clusters, "cluster_statuses")).flatMap((cluster) =>
    list(at(cluster, "host_statuses")).map((host) => {
      const status = at(host, "health_status");
      const isEjected = at(status, "failed_outlier_check") === true;
      return [
        socketOf(at(host, "address")),
        text(at(status, "eds_health_status")) || "UNKNOWN",
        isEjected ? "EJECTED" : "OK",
        text(at(cluster, "name")),
      ];
    }),
  );
}

/** Without the name of the workload, which Node.js has no text for. */
function identityIn({ subjectAltName, subject }: X509Certificate): string {
  return (subjectAltName ?? subject).replaceAll(", othername:<unsupported>", "");
}

function secretRows(dump: JsonValue, now: Date): Rows {
  return resourcesOf(dump, "secrets").map((secret) => {
    const certificate = certificateOf(secret);
    const type = at(secret, "secret", "tls_certificate") === undefined ? "CA" : "Cert Chain";
    const isValid = certificate !== undefined && certificate.validFromDate <= now && now < certificate.validToDate;
    return [
      text(at(secret, "name")),
      type,
      certificate === undefined ? "WARMING" : "ACTIVE",
      String(isValid),
      certificate === undefined ? "" : identityIn(certificate),
      certificate?.validToDate.toISOString() ?? "",
      text(at(secret, "secret", "tls_certificate", "watched_directory", "path")) || "SDS",
    ];
  });
}

const headings: Readonly<Record<ShownKind, readonly string[]>> = {
  listeners: ["ADDRESS", "PORT", "NAME", "MATCH", "DESTINATION"],
  routes: ["NAME", "VHOST NAME", "DOMAINS", "MATCH", "DESTINATION"],
  clusters: ["SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "SECURITY"],
  endpoints: ["ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER"],
  secrets: ["RESOURCE NAME", "TYPE", "STATUS", "VALID CERT", "IDENTITY", "NOT AFTER", "SOURCE"],
};

/** The admin interface's path that tells of a kind. */
export function adminPath(kind: ShownKind): string {
  return kind === "endpoints" ? "/clusters?format=json" : "/config_dump";
}

/** What the admin interface told, as a table. Bootstrap's own route tables and the like are shown as well. */
export function proxyTable(kind: ShownKind, answer: JsonValue, now: Date): string {
  const rows: Readonly<Record<ShownKind, () => Rows>> = {
    listeners: () => listenerRows(answer),
    routes: () => routeRows(answer),
    clusters: () => clusterRows(answer),
    endpoints: () => endpointRows(answer),
    secrets: () => secretRows(answer, now),
  };
  return table(
    headings[kind],
    rows[kind]().sort((one, other) => (one.join() < other.join() ? -1 : 1)),
  );
}
