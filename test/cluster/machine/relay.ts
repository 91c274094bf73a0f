import { once } from "node:events";
import { connect, createServer, type IpcNetConnectOpts, type ListenOptions, type TcpNetConnectOpts } from "node:net";
import { pipeline } from "node:stream";

/**
 * Passes bytes between connections to one address and another one: the way out of the machine's network namespace is
 * a Unix socket, since a file can be seen from both sides. Returns the port it listens on, 0 for a socket file.
 */
export async function relay(from: ListenOptions, to: TcpNetConnectOpts | IpcNetConnectOpts): Promise<number> {
  const server = createServer((incoming) => {
    const outgoing = connect(to);
    // Each direction ends by itself and only after its last byte; what breaks in one ends the other.
    pipeline(incoming, outgoing, (error) => error && outgoing.destroy());
    pipeline(outgoing, incoming, (error) => error && incoming.destroy());
  });
  server.listen(from);
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
