import { connect, constants } from "node:http2";
import { failure, type Outcome, success } from "./outcome.ts";

const serving = 1;
const statusNames = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/** Protocol Buffers' variable-length integer. */
function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** A gRPC message: not compressed, its length in four bytes, then `HealthCheckRequest { string service = 1 }`. */
function requestBytes(service: string): Buffer {
  const name = Buffer.from(service);
  const message =
    name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** The status in `HealthCheckResponse { ServingStatus status = 1 }`; a field that is not there is 0. */
function statusOf(body: Buffer): number {
  const message = body.subarray(5);
  return message[0] === 0x08 ? (message[1] ?? 0) : 0;
}

/**
 * Asks the gRPC health service.
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export function probeGrpc(host: string, port: number, service: string, timeoutMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const session = connect(`http://${host.includes(":") ? `[${host}]` : host}:${port}`);
    const end = (outcome: Outcome) => {
      clearTimeout(timer);
      session.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => end(failure(`no answer from port ${port} within ${timeoutMs} ms`)), timeoutMs);
    session.once("error", (error) => end(failure(error.message)));
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const body: Buffer[] = [];
    let grpcStatus: string | undefined;
    const note = (headers: Record<string, unknown>) => {
      if (headers["grpc-status"] !== undefined) grpcStatus = String(headers["grpc-status"]);
    };
    stream.on("response", note);
    stream.on("trailers", note);
    stream.on("data", (chunk: Buffer) => body.push(chunk));
    stream.once("error", (error) => end(failure(error.message)));
    stream.once("end", () => {
      const status = statusOf(Buffer.concat(body));
      if (grpcStatus !== undefined && grpcStatus !== "0")
        end(failure(`the health service answered status ${grpcStatus}`));
      else if (status === serving) end(success);
      else end(failure(`the service is ${statusNames[status] ?? status}`));
    });
    stream.end(requestBytes(service));
  });
}
