import Fastify from "fastify";
import type { ProxyStatus } from "../mesh/proxy-status.ts";
import type { OpenStream } from "./ads/server.ts";
import type { Metrics } from "./metrics.ts";

export interface HttpOptions {
  readonly metrics: Metrics;
  /** Whether the cluster is known and the port is open. */
  readonly isReady: () => boolean;
  readonly streams: () => readonly OpenStream[];
}

function statusOf({ identity, stream, since }: OpenStream): ProxyStatus {
  const kinds = Object.entries(stream.record.kinds()).map(([kind, record]) => [kind, record] as const);
  return {
    namespace: identity.namespace,
    pod: identity.pod.name,
    serviceAccount: identity.serviceAccount,
    variant: stream.variant,
    since: since.toISOString(),
    kinds: Object.fromEntries(
      kinds.map(([kind, { state, sentAt, acknowledgedAt, refused }]) => [
        kind,
        {
          state,
          sentAt: sentAt?.toISOString(),
          acknowledgedAt: acknowledgedAt?.toISOString(),
          refused: refused === undefined ? undefined : { ...refused, at: refused.at.toISOString() },
        },
      ]),
    ),
  };
}

/** Health, metrics, and how the connected proxies are. It says nothing that is secret, and listens apart from ADS. */
export function buildHttp({ metrics, isReady, streams }: HttpOptions) {
  const app = Fastify({ logger: false, requestTimeout: 10_000, connectionTimeout: 10_000 });
  app.get("/healthz", async () => "ok\n");
  app.get("/readyz", async (_request, reply) => {
    if (!isReady()) reply.code(503);
    return isReady() ? "ok\n" : "not ready\n";
  });
  app.get("/metrics", async (_request, reply) => {
    reply.type(metrics.registry.contentType);
    return await metrics.registry.metrics();
  });
  app.get("/proxies", async () => streams().map(statusOf));
  return app;
}
