import type { Server, ServerOptions } from "node:https";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { clientErrorHandler } from "./client-error.ts";
import { discardBody } from "./discard-body.ts";
import { createAnswers } from "./kept-answers.ts";
import { type Limits, refusalFor } from "./limits.ts";
import { createLoadMeter } from "./load.ts";
import type { Metrics } from "./metrics.ts";
import { readBody } from "./read-body.ts";
import { type Answer, refusalOf } from "./refusal.ts";
import { answerTo } from "./review.ts";
import { notReadyReasons, type ServerState } from "./state.ts";
import { statusOf } from "./status.ts";

/** What the app is made of. */
export interface AppParts {
  readonly state: ServerState;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly limits: Limits;
}

export type App = FastifyInstance<Server>;

const json = "application/json; charset=utf-8";
const noBody = Buffer.alloc(0);

function refuse(reply: FastifyReply, { code, message }: Answer): FastifyReply {
  return reply
    .code(code)
    .type(json)
    .send(JSON.stringify(statusOf(code, message)));
}

/** How often Node.js looks for requests that took too long. */
const connectionsCheckingIntervalMs = 1000;

function serverOptions(limits: Limits): ServerOptions {
  return {
    minVersion: "TLSv1.2",
    handshakeTimeout: limits.handshakeTimeoutMs,
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: connectionsCheckingIntervalMs,
  };
}

/** No route has a JSON schema: this keeps Fastify from loading the compilers for them, and their memory free. */
function noSchemas(): never {
  throw new Error("no route of the webhook has a JSON schema");
}

function createApp({ limits, metrics }: AppParts): App {
  return Fastify({
    https: serverOptions(limits),
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    clientErrorHandler: clientErrorHandler(metrics.rejected),
    // While the server drains, what still arrives is answered; the answer closes the connection.
    return503OnClosing: false,
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    logger: false,
  });
}

function addErrors(app: App, { metrics, log, limits }: AppParts): void {
  app.setErrorHandler(async (error: Error, request, reply) => {
    const refusal = refusalOf(error, limits);
    metrics.rejected(refusal.code);
    if (refusal.code < 500) log.warn({ code: refusal.code, path: request.url, reason: refusal.message }, "refused");
    else log.error({ code: refusal.code, path: request.url, err: error }, "failed");
    if (refusal.code === 413) await discardBody(request.raw);
    return refuse(reply, refusal);
  });
  app.setNotFoundHandler(({ method, url }, reply) =>
    refuse(reply, { code: 404, message: `there is no ${method} ${url}; reviews go to POST /inject` }),
  );
}

/**
 * Sends an answer in ASCII as it is: Fastify's own way would count its bytes, and copy them, each time.
 * What the app says of every reply must be said here again.
 */
function sendReview(reply: FastifyReply, body: string, draining: boolean): void {
  reply.hijack();
  const connection = draining ? { connection: "close" } : {};
  reply.raw.writeHead(200, { "content-type": json, "content-length": body.length, ...connection });
  reply.raw.end(body, "latin1");
}

function addReviews(app: App, { state, metrics, log, limits }: AppParts): void {
  const meter = createLoadMeter(app.server);
  const answers = createAnswers();
  metrics.watch({
    connections: () => meter.connections,
    requestsInFlight: () => meter.requestsInFlight,
    distrustingRegistrations: () => state.trust.distrusting.length,
  });
  app.addHook("onClose", async () => meter.stop());
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", (_request, payload, done) => readBody(payload, limits.bodyBytes, done));

  /** Turns a review away while the server carries all it can: the API server then knows at once, not at its timeout. */
  const onRequest = ({ headers, raw }: FastifyRequest, reply: FastifyReply, done: () => void) => {
    const bodyBytes = Math.min(Number(headers["content-length"] ?? limits.bodyBytes), limits.bodyBytes);
    const refusal = refusalFor(meter, bodyBytes, limits);
    if (refusal !== undefined) {
      metrics.rejected(refusal.code);
      reply.header("retry-after", "1").header("connection", "close");
      // A client that is still writing would never see the answer.
      if (bodyBytes > limits.smallBodyBytes) void discardBody(raw).then(() => refuse(reply, refusal));
      else refuse(reply, refusal);
      return;
    }
    reply.raw.once("close", meter.enter(bodyBytes));
    done();
  };

  const handler = ({ body, url }: FastifyRequest, reply: FastifyReply) => {
    const start = performance.now();
    const { settings, facts } = state;
    if (settings === undefined) return refuse(reply, { code: 503, message: "no configuration is loaded yet" });
    const text = Buffer.isBuffer(body) ? body : noBody;
    const { uid, answer, record, repeated } = answers(text, { path: url, settings, facts });
    const ms = performance.now() - start;
    metrics.reviewed({ record, seconds: ms / 1000, repeated });
    log.info({ uid, ...record, ms: Math.round(ms * 1000) / 1000 }, "reviewed");
    sendReview(reply, answerTo(uid, answer), state.draining);
    return reply;
  };

  app.post("/inject", { onRequest }, handler);
  app.post("/inject/*", { onRequest }, handler);
}

function addHealth(app: App, { state, metrics }: AppParts): void {
  app.get("/healthz", (_request, reply) => reply.type("text/plain").send("ok\n"));
  app.get("/readyz", (_request, reply) => {
    const reasons = notReadyReasons(state, new Date());
    reply.type("text/plain");
    return reasons.length === 0 ? reply.send("ok\n") : reply.code(503).send(`not ready: ${reasons.join("; ")}\n`);
  });
  app.get("/metrics", async (_request, reply) => reply.type(metrics.contentType).send(await metrics.print()));
}

/** Builds the webhook's HTTP interface, apart from listening. Without a certificate it can only be called by `inject`. */
export function buildApp(parts: AppParts): App {
  const app = createApp(parts);
  app.addHook("preHandler", (_request, reply, done) => {
    if (parts.state.draining) reply.header("connection", "close");
    done();
  });
  addErrors(app, parts);
  addReviews(app, parts);
  addHealth(app, parts);
  return app;
}
