import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { AgentMetrics } from "./metrics.ts";
import type { Readiness } from "./readiness.ts";

const limits = {
  maxHeaderSize: 8_192,
  requestTimeout: 5_000,
  headersTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};

function reply(response: ServerResponse, status: number, text: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": type, connection: "close" }).end(text);
}

async function serve(
  path: string,
  response: ServerResponse,
  readiness: Readiness,
  metrics: AgentMetrics,
): Promise<void> {
  if (path === "/healthz") return reply(response, 200, "ok\n");
  if (path === "/metrics") return reply(response, 200, await metrics.text(), metrics.contentType);
  if (path !== "/readyz") return reply(response, 404, "try /healthz, /readyz or /metrics\n");
  const missing = readiness.missing();
  return missing.length === 0 ? reply(response, 200, "ok\n") : reply(response, 503, `${missing.join("\n")}\n`);
}

/** Serves /healthz, /readyz (503 with what is missing) and /metrics to the kubelet and Prometheus. */
export async function serveHealth(
  { address, port }: { readonly address: string; readonly port: number },
  readiness: Readiness,
  metrics: AgentMetrics,
): Promise<{ server: Server; port: number }> {
  const server = createServer(limits, (request, response) => {
    if (request.method !== "GET") return reply(response, 405, "only GET\n");
    void serve((request.url ?? "").split("?")[0] ?? "", response, readiness, metrics);
  });
  server.maxConnections = 64;
  server.listen({ host: address, port });
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}
