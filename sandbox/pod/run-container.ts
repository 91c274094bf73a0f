import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { enterArguments } from "../container/command-line.ts";
import { environmentOf } from "../container/environment.ts";
import { expand } from "../container/expansion.ts";
import { fileSystemOf } from "../container/file-system.ts";
import { type ContainerExit, launchContainer, type RunningContainer } from "../container/launch.ts";
import { type Privileges, privilegesOf } from "../container/privileges.ts";
import { containerSources } from "../container/sources.ts";
import { resolveProgram } from "../image/resolve.ts";
import type { ContainerSpec } from "./container-schema.ts";
import type { PodContext } from "./context.ts";

/** A container that runs, and what is needed to run more in it. */
export interface StartedContainer {
  readonly running: RunningContainer;
  readonly standIn: boolean;
  /** The command line, for the supervisor's namespaces, of a command in the container. */
  readonly enter: (command: readonly string[], privileges?: Privileges) => string[];
  /** What the container says of its end: its termination message, else its last output after a failure. */
  readonly terminationMessage: (exit: ContainerExit) => Promise<string>;
}

const longestMessage = 1024;
const lastLines = 5;

function endOf(output: string): string {
  return output.trimEnd().split("\n").slice(-lastLines).join("\n").slice(-longestMessage);
}

/** What launch.sh says when there is nothing to run. */
const noSuchProgram = "no such program on this machine";

function withoutImage({ image }: ContainerSpec): string {
  return `image "${image}" is not pulled: install the program, or say what runs instead with --image NAME=COMMAND`;
}

/** `/root` for root, else `/`, as runtimes set it for users that the image does not know. */
function homeOf({ uid }: Privileges): string {
  return uid === 0 ? "/root" : "/";
}

/**
 * Starts a container of a Pod, the `attempt`th time (from 0).
 * @throws ContainerConfigError when it cannot be made from what the Pod says
 */
export async function startContainer(
  spec: ContainerSpec,
  context: PodContext,
  attempt: number,
): Promise<StartedContainer> {
  const { node, pod, facts, holderPid } = context;
  const links = pod.spec.enableServiceLinks ? node.serviceVariables(pod.metadata.namespace) : new Map<string, string>();
  const environment = environmentOf(spec, facts, node.references, links);
  const privileges = privilegesOf(spec, pod.spec);
  const withHome = new Map([["HOME", homeOf(privileges)], ...environment]);
  const program = resolveProgram(spec, node.images);
  const { sources, terminationLog } = await containerSources(spec, context, program.files, environment);
  const fileSystem = fileSystemOf({
    devices: node.devices,
    disks: node.disks,
    sources,
    readOnlyRoot: spec.securityContext.readOnlyRootFilesystem,
    privileged: spec.securityContext.privileged,
  });
  const argv = program.argv.map((argument) => expand(argument, environment));
  const running = await launchContainer({
    holderPid,
    directory: join(context.folder, "containers", `${spec.name}-${attempt}`),
    logFile: join(context.logFolder, spec.name, `${attempt}.log`),
    fileSystem,
    workingDirectory: spec.workingDir,
    command: { argv, environment: withHome, privileges },
  });
  return {
    running,
    standIn: program.standIn,
    enter: (command, other = privileges) =>
      enterArguments(running.initPid() ?? 0, spec.workingDir, {
        argv: command,
        environment: withHome,
        privileges: other,
      }),
    terminationMessage: async (exit) => {
      if (exit.launchError?.includes(noSuchProgram) === true) return `${exit.launchError} (${withoutImage(spec)})`;
      const written = (await readFile(terminationLog, "utf8").catch(() => "")).trim().slice(0, longestMessage);
      return exit.launchError ?? (written === "" && exit.exitCode !== 0 ? endOf(exit.lastOutput) : written);
    },
  };
}
