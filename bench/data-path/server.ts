/** What the application answers: as much as in Istio's published figures. */
export const answerBytes = 1024;

/** An application that costs next to nothing, so that it is not what is measured: an Envoy that answers by itself. */
export function serverCommand(envoy: string, port: number): readonly string[] {
  const router = { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" };
  const route = {
    match: { prefix: "/" },
    direct_response: { status: 200, body: { inline_string: "x".repeat(answerBytes) } },
  };
  const connectionManager = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix: "app",
    generate_request_id: false,
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes: [route] }] },
    http_filters: [{ name: "envoy.filters.http.router", typed_config: router }],
  };
  const listener = {
    name: "app",
    address: { socket_address: { address: "0.0.0.0", port_value: port } },
    filter_chains: [
      { filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: connectionManager }] },
    ],
  };
  const bootstrap = JSON.stringify({ static_resources: { listeners: [listener] } });
  return [envoy, "--config-yaml", bootstrap, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"];
}
