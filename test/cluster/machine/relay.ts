import { once } from "node:events";
import { connect, createServer, type IpcNetConnectOpts, type ListenOptions, type TcpNetConnectOpts } from "node:net";

/**
 * Passes bytes between connections to one address and another one: the way out of the machine's network namespace is
 * a Unix socket, since a file can be seen from both sides. Returns the port it listens on, 0 for a socket file.
 */
export async function relay(from: ListenOptions, to: TcpNetConnectOpts | IpcNetConnectOpts): Promise<number> {
  const server = createServer((incoming) => {
    const outgoing = connect(to);
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on("error", () => outgoing.destroy());
    outgoing.on("error", () => incoming.destroy());
    incoming.on("close", () => outgoing.destroy());
    outgoing.on("close", () => incoming.destroy());
  });
  server.listen(from);
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
