import { readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { control, type Operation } from "./control.ts";
import { layout } from "./layout.ts";

/** The environment variable that tells a spec's process which test machine the cluster runs on. */
export const machineVariable = "OUTRIGGER_TEST_MACHINE";

/** What can be done to the node itself. Only the test machine offers this, not a cluster of the user's. */
export interface Machine {
  /** Runs a command on the node, in all of its namespaces, as root. */
  run(command: string, ...args: readonly string[]): Promise<{ stdout: string; stderr: string; exitCode: number }>;
  /** Starts, stops (SIGTERM) or kills (SIGKILL) one of the node's programs, such as `kube-apiserver` or `kubelet`. */
  program(operation: Operation, name: string): Promise<void>;
  /** Puts an executable among the node's programs under a name. */
  addProgram(name: string, path: string): Promise<void>;
  /** What one of the node's programs has logged. */
  log(name: string): Promise<string>;
  /** The API server's audit events, oldest first. */
  auditEvents(): Promise<Record<string, unknown>[]>;
  /** The process ids, on the node, of the containers of Pods whose names hold this text. */
  containerProcesses(pod: string): Promise<string[]>;
  /** Makes a docker-archive's image known to the node. */
  loadImage(archive: string): Promise<void>;
}

/** Takes hold of the machine whose files are in `state` and whose process 1 the host knows as `pid`. */
export function machineHandle({ state, pid }: { state: string; pid: number }): Machine {
  const place = layout(state);
  const run: Machine["run"] = async (command, ...args) => {
    const inside = ["--target", String(pid), "--mount", "--net", "--pid", "--ipc", "--uts", command, ...args];
    const { stdout, stderr, exitCode = -1 } = await execa("nsenter", inside, { reject: false });
    return { stdout, stderr, exitCode };
  };
  return {
    run,
    async program(operation, name) {
      await control(place.controlSocket, operation, name);
    },
    async addProgram(name, path) {
      const link = join(place.programs, name);
      await rm(link, { force: true });
      await symlink(path, link);
    },
    log: (name) => readFile(join(place.logs, `${name}.log`), "utf8"),
    async auditEvents() {
      const lines = (await readFile(place.auditLog, "utf8")).split("\n").filter((line) => line !== "");
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    async containerProcesses(pod) {
      const { stdout: tasks } = await run("ctr", "--namespace", "k8s.io", "tasks", "list");
      const found: string[] = [];
      for (const line of tasks.split("\n").slice(1)) {
        const [container = "", pid = ""] = line.split(/\s+/);
        const { stdout: info } = await run("ctr", "--namespace", "k8s.io", "containers", "info", container);
        if (info.includes(pod)) found.push(pid);
      }
      return found;
    },
    async loadImage(archive) {
      const result = await run("ctr", "--namespace", "k8s.io", "images", "import", archive);
      if (result.exitCode !== 0) throw new Error(`importing ${archive} failed: ${result.stderr}`);
    },
  };
}
