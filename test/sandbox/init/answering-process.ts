import { createServer } from "node:net";

/** What a listener says to everybody who comes. */
export interface Listener {
  readonly port: number;
  readonly word: string;
}

/**
 * Listens on ports of every address, and tells everybody a word; how often is the answer to any message over the channel.
 * Arguments: `PORT=WORD` each.
 */
const heard: Record<string, number> = {};
const listeners = process.argv.slice(2).map((argument): Listener => {
  const [port = "", word = ""] = argument.split("=");
  return { port: Number(port), word };
});

await Promise.all(
  listeners.map(
    ({ port, word }) =>
      new Promise<void>((listening) => {
        heard[word] = 0;
        const server = createServer((socket) => {
          heard[word] = (heard[word] ?? 0) + 1;
          socket.on("error", () => socket.destroy());
          socket.end(word);
        });
        server.listen({ port, host: "::", backlog: 1024 }, listening);
      }),
  ),
);

process.on("message", () => process.send?.(heard));
process.on("disconnect", () => process.exit());
process.send?.(heard);
