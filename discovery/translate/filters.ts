import { create } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import type { AccessLog } from "../proto/envoy/config/accesslog/v3/accesslog_pb.js";
import { HeaderValueOption_HeaderAppendAction } from "../proto/envoy/config/core/v3/base_pb.js";
import { type Filter, FilterSchema } from "../proto/envoy/config/listener/v3/listener_components_pb.js";
import type { RouteConfiguration } from "../proto/envoy/config/route/v3/route_pb.js";
import { RouterSchema } from "../proto/envoy/extensions/filters/http/router/v3/router_pb.js";
import {
  HttpConnectionManager_ForwardClientCertDetails as ForwardClientCert,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
} from "../proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { type TcpProxy, TcpProxySchema } from "../proto/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import { http1Options } from "./http-options.ts";
import { ads, milliseconds, pack, structOf, typedStruct } from "./message.ts";
import { alpn, podAddressKey, unreachedHeader } from "./names.ts";
import type { TracingSettings } from "./settings.ts";
import { tracing } from "./tracing.ts";

/** Where an HTTP filter chain finds its routes: in a table of its own, or in one that is asked for by name. */
export type RouteSource = { readonly table: RouteConfiguration } | { readonly name: string };

/** What happens to the header that names the client's certificate: it is only ever written by the server's sidecar. */
export type ClientCertificateHeader = "remove" | "set";

export interface HttpFilterOptions {
  readonly statPrefix: string;
  readonly routes: RouteSource;
  readonly accessLog: AccessLog[];
  readonly clientCertificate: ClientCertificateHeader;
  readonly tracing: TracingSettings | undefined;
}

const router = {
  name: "envoy.filters.http.router",
  configType: { case: "typedConfig" as const, value: pack(RouterSchema, { suppressEnvoyHeaders: true }) },
};

function clientCertificateFields(header: ClientCertificateHeader) {
  if (header === "remove") return { forwardClientCertDetails: ForwardClientCert.SANITIZE };
  return {
    forwardClientCertDetails: ForwardClientCert.SANITIZE_SET,
    setCurrentClientCertDetails: { subject: true, dns: true, uri: true },
  };
}

/** Tells the client's sidecar that a request has not reached the application: UF is a connection that was not made. */
const unreachedAnswers = {
  mappers: [
    {
      filter: { filterSpecifier: { case: "responseFlagFilter" as const, value: { flags: ["UF"] } } },
      headersToAdd: [
        {
          header: { key: unreachedHeader, value: "true" },
          appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
        },
      ],
    },
  ],
};

/** HTTP passed on as it came, but for a normalised path: no time limit, no change of case, upgrades allowed. */
export function httpFilter(options: HttpFilterOptions): Filter {
  const { statPrefix, routes, accessLog, clientCertificate } = options;
  const routeSpecifier =
    "table" in routes
      ? { case: "routeConfig" as const, value: routes.table }
      : { case: "rds" as const, value: { configSource: ads, routeConfigName: routes.name } };
  return create(FilterSchema, {
    name: "envoy.filters.network.http_connection_manager",
    configType: {
      case: "typedConfig",
      value: pack(HttpConnectionManagerSchema, {
        statPrefix,
        routeSpecifier,
        httpFilters: [router],
        accessLog,
        httpProtocolOptions: http1Options,
        serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
        upgradeConfigs: [{ upgradeType: "websocket" }],
        normalizePath: true,
        streamIdleTimeout: milliseconds(0),
        proxy100Continue: true,
        preserveExternalRequestId: true,
        skipXffAppend: true,
        maxRequestHeadersKb: 96,
        delayedCloseTimeout: milliseconds(1000),
        ...clientCertificateFields(clientCertificate),
        ...(clientCertificate === "set" ? { localReplyConfig: unreachedAnswers } : {}),
        ...tracing(options.tracing),
      }),
    },
  });
}

function tcpProxy(statPrefix: string, cluster: string, accessLog: AccessLog[], podAddress?: string): TcpProxy {
  const filterMetadata = podAddress === undefined ? {} : { "envoy.lb": { [podAddressKey]: podAddress } };
  return create(TcpProxySchema, {
    statPrefix,
    clusterSpecifier: { case: "cluster", value: cluster },
    accessLog,
    accessLogOptions: { flushAccessLogOnConnected: true },
    idleTimeout: milliseconds(0),
    ...(podAddress === undefined ? {} : { metadataMatch: { filterMetadata } }),
  });
}

function tcpProxyFilter(value: Any): Filter {
  return create(FilterSchema, {
    name: "envoy.filters.network.tcp_proxy",
    configType: { case: "typedConfig", value },
  });
}

/** Bytes to one cluster; `podAddress` chooses one Pod of a headless Service. */
export function tcpFilter(statPrefix: string, cluster: string, accessLog: AccessLog[], podAddress?: string): Filter {
  return tcpProxyFilter(anyPack(TcpProxySchema, tcpProxy(statPrefix, cluster, accessLog, podAddress)));
}

/**
 * Bytes of a client that must show a certificate first: until it has, the application hears nothing of it, and the log's
 * first entry already knows who it is. Our tree of protos lacks the two fields.
 */
export function authenticatedTcpFilter(statPrefix: string, cluster: string, accessLog: AccessLog[]): Filter {
  return tcpProxyFilter(
    typedStruct(TcpProxySchema.typeName, {
      ...structOf(TcpProxySchema, tcpProxy(statPrefix, cluster, accessLog)),
      upstreamConnectMode: "ON_DOWNSTREAM_TLS_HANDSHAKE",
      maxEarlyDataBytes: 0,
    }),
  );
}

/**
 * Says in ALPN, to the server's sidecar, that what the mesh's TLS carries is HTTP. Our tree of protos lacks the filter's.
 */
export const announceHttp: Filter = create(FilterSchema, {
  name: "envoy.filters.network.set_filter_state",
  configType: {
    case: "typedConfig",
    value: typedStruct("envoy.extensions.filters.network.set_filter_state.v3.Config", {
      on_new_connection: [
        {
          object_key: "envoy.network.application_protocols",
          format_string: { text_format_source: { inline_string: [alpn.meshHttp, alpn.mesh].join(",") } },
          shared_with_upstream: "ONCE",
        },
      ],
    }),
  },
});
