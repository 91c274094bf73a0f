import { createInterface } from "node:readline";
import { execa } from "execa";

/** A program that writes lines until its standard input ends. */
export interface LineProcess {
  /** Ends it, and waits for its last line. */
  readonly end: () => Promise<void>;
}

/** @param onLine told of each line @returns once the first line has come */
export async function startLineProcess(argv: readonly string[], onLine: (line: string) => void): Promise<LineProcess> {
  const [file = "", ...args] = argv;
  const running = execa(file, args, { cwd: "/", stdin: "pipe", reject: false });
  const read = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const lines = createInterface({ input: running.stdout });
  lines.on("line", (line) => {
    begun.resolve();
    onLine(line);
  });
  lines.once("close", () => read.resolve());
  const failed = running.then(({ stderr }) => Promise.reject(new Error(`${file} ended at once: ${stderr}`)));
  failed.catch(() => undefined);
  await Promise.race([begun.promise, failed]);
  return {
    async end() {
      running.stdin.end();
      await read.promise;
      await running;
    },
  };
}
