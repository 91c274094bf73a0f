import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Where the npm package `@grpc/grpc-js-xds` keeps Envoy's protobuf tree and what it imports. */
const protoRoots = ["envoy-api", "googleapis", "protoc-gen-validate", "xds"];

/** The messages that discovery writes or reads. What they contain comes along. */
export const messages = [
  "envoy.service.discovery.v3.AggregatedDiscoveryService",
  "envoy.config.listener.v3.Listener",
  "envoy.config.route.v3.RouteConfiguration",
  "envoy.config.cluster.v3.Cluster",
  "envoy.config.endpoint.v3.ClusterLoadAssignment",
  "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
  "envoy.extensions.filters.http.router.v3.Router",
  "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
  "envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
  "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
  "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig",
  "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
  "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
  "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
  "envoy.extensions.transport_sockets.tls.v3.Secret",
  "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
  "envoy.config.trace.v3.OpenTelemetryConfig",
  "xds.type.v3.TypedStruct",
] as const;

/** Options that only validators and Envoy's own documentation read. */
export const leftOut = [
  "validate.rules",
  "validate.required",
  "validate.disabled",
  "udpa.annotations.file_status",
  "udpa.annotations.versioning",
  "udpa.annotations.file_migrate",
  "udpa.annotations.field_migrate",
  "udpa.annotations.security",
  "udpa.annotations.sensitive",
  "xds.annotations.v3.file_status",
  "xds.annotations.v3.field_status",
  "xds.annotations.v3.message_status",
  "envoy.annotations.deprecated_at_minor_version",
  "envoy.annotations.deprecated_at_minor_version_enum",
  "envoy.annotations.disallowed_by_default",
  "envoy.annotations.disallowed_by_default_enum",
] as const;

/** The file that defines a message or service: one of its package's folder. */
function definingFile(packageFolder: string, message: string): string {
  const folder = message.split(".").slice(0, -1).join("/");
  const name = message.split(".").at(-1) ?? "";
  const definition = new RegExp(`^(message|service) ${name} \\{`, "m");
  const root = protoRoots
    .map((each) => join(packageFolder, "deps", each))
    .find((path) => existsSync(join(path, folder)));
  const found =
    root === undefined
      ? undefined
      : readdirSync(join(root, folder)).find(
          (file) => file.endsWith(".proto") && definition.test(readFileSync(join(root, folder, file), "utf8")),
        );
  if (found === undefined) throw new Error(`${message} is not defined in ${packageFolder}`);
  return `${folder}/${found}`;
}

interface Amendment {
  readonly before: string;
  readonly with: string;
}

/** Fields that the tree is too old to have. */
const amendments: Readonly<Record<string, readonly Amendment[]>> = {
  // Envoy's own files name it; nothing of it is generated.
  "validate/validate.proto": [{ before: "message StringRules {", with: "  optional bool ignore_empty = 26;" }],
  // Envoy has it from 1.37 on, and takes no notice of it before.
  "envoy/extensions/upstreams/http/v3/http_protocol_options.proto": [
    {
      before: "package envoy.extensions.upstreams.http.v3;",
      with: 'import "envoy/config/route/v3/route_components.proto";',
    },
    { before: "message HttpProtocolOptions {", with: "  config.route.v3.RetryPolicy retry_policy = 11;" },
  ],
};

function amended(file: string, text: string): string {
  return (amendments[file] ?? []).reduce((whole, { before, with: line }) => {
    if (!whole.includes(before)) throw new Error(`${file} no longer looks as it did: review tools/envoy-protos.ts`);
    return whole.replace(before, `${before}\n${line}\n`);
  }, text);
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/^import\s+(?:public\s+|weak\s+)?"([^"]+)";/gm)].map((match) => match[1] ?? "");
}

/** Copies the .proto files that the messages need, and no others, from the npm package into `target`. */
export async function copyProtos(packageFolder: string, target: string): Promise<void> {
  const seen = new Set<string>();
  const pending = messages.map((message) => definingFile(packageFolder, message));
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (seen.has(file) || file.startsWith("google/protobuf/")) continue;
    seen.add(file);
    const source = protoRoots.map((root) => join(packageFolder, "deps", root, file)).find((path) => existsSync(path));
    if (source === undefined) throw new Error(`${file} is imported, and not in ${packageFolder}`);
    const text = amended(file, readFileSync(source, "utf8"));
    pending.push(...importsOf(text));
    await mkdir(dirname(join(target, file)), { recursive: true });
    await writeFile(join(target, file), text);
  }
}
