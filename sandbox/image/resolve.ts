import { ContainerConfigError } from "../container/environment.ts";
import type { ContainerSpec } from "../pod/container-schema.ts";
import { type ImageFile, type ImageRule, ruleFor } from "./table.ts";

/** What a container runs, and on which files. */
export interface Program {
  readonly argv: readonly string[];
  readonly files: readonly ImageFile[];
  /** Whether this is not the application at all, but an echo server in its place. */
  readonly standIn: boolean;
}

export interface ImageSettings {
  readonly rules: readonly ImageRule[];
  /** The files of the echo server; undefined when nothing may stand in. */
  readonly standIn?: { readonly node: string; readonly script: string } | undefined;
}

const standInRoot = "/.outrigger";

function standInProgram({ ports }: ContainerSpec, { node, script }: NonNullable<ImageSettings["standIn"]>): Program {
  const flags = ports.map(({ containerPort, protocol }) => `${protocol.toLowerCase()}:${containerPort}`);
  return {
    argv: [`${standInRoot}/node`, `${standInRoot}/echo.ts`, ...flags],
    files: [
      { source: node, target: `${standInRoot}/node` },
      { source: script, target: `${standInRoot}/echo.ts` },
    ],
    standIn: true,
  };
}

/**
 * Finds what to run for a container, as a runtime does: `command` replaces the image's entrypoint, `args` its arguments.
 * @throws ContainerConfigError when the image's own program is asked for, is not known here, and nothing may stand in
 */
export function resolveProgram(container: ContainerSpec, { rules, standIn }: ImageSettings): Program {
  const rule = ruleFor(container.image, rules);
  const files = rule?.files ?? [];
  if (container.command.length > 0) return { argv: [...container.command, ...container.args], files, standIn: false };
  if (rule !== undefined) return { argv: [...rule.entrypoint, ...container.args], files, standIn: false };
  if (standIn !== undefined) return standInProgram(container, standIn);
  throw new ContainerConfigError(
    `image "${container.image}" cannot be pulled, and the container has no command: give it one, ` +
      `or say what runs in its place with --image ${parseable(container.image)}=COMMAND`,
    "ErrImagePull",
  );
}

function parseable(image: string): string {
  return image === "" ? "NAME" : image;
}
