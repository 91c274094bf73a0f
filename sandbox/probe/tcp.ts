import { connect } from "node:net";
import { failure, type Outcome, success } from "./outcome.ts";

/** A connection that opens is a success. */
export function probeTcp(host: string, port: number, timeoutMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (outcome: Outcome) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(timeoutMs, () => end(failure(`no connection to port ${port} within ${timeoutMs} ms`)));
    socket.once("connect", () => end(success));
    socket.once("error", (error) => end(failure(error.message)));
  });
}
