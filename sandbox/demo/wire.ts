import { existsSync } from "node:fs";
import { join } from "node:path";
import { enterSandbox } from "../commands/exec.ts";
import { startLineProcess } from "./line-process.ts";

/** Data that went from one address to another. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  /** Packets with data. */
  readonly packets: number;
  /** Those of them in which an HTTP message can be read. */
  readonly readable: number;
}

/** Watches what passes between the Pods of a sandbox, by a packet socket where all their interfaces end. */
export interface Wire {
  readonly stop: () => Promise<Flow[]>;
}

const script = join(import.meta.dirname, "wire.py");

export async function watchWire(name: string): Promise<Wire> {
  const python = ["/usr/bin/python3", "/usr/local/bin/python3"].find((path) => existsSync(path)) ?? "python3";
  let last = "";
  const running = await startLineProcess(enterSandbox(name, [python, script]), (line) => {
    last = line;
  });
  return {
    async stop() {
      await running.end();
      return JSON.parse(last) as Flow[];
    },
  };
}

/** What passed between two workloads, both ways together. */
export interface Conversation {
  readonly client: string;
  readonly server: string;
  readonly packets: number;
  readonly readable: number;
}

/** Sums flows up by workload; whom the address is not known of is left out. */
export function conversations(
  flows: readonly Flow[],
  names: ReadonlyMap<string, string>,
  pairs: readonly (readonly [client: string, server: string])[],
): Conversation[] {
  return pairs.map(([client, server]) => {
    const between = flows.filter(({ from, to }) => {
      const ends = [names.get(from), names.get(to)];
      return ends.includes(client) && ends.includes(server);
    });
    const sum = (count: (flow: Flow) => number) => between.reduce((total, flow) => total + count(flow), 0);
    return { client, server, packets: sum(({ packets }) => packets), readable: sum(({ readable }) => readable) };
  });
}
