import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { findTools } from "../../../host/tools.ts";

/** A folder for PATH whose programs tell that they were called, and then do what the real ones do, or something else. */
export interface ToolsFolder {
  /** For PATH. Nothing else is in it, so that a program that is left out here is missing. */
  readonly path: string;
  /** The calls so far, as command lines; the list begins anew. */
  readonly takeCalls: () => string[];
  /** How many steps were made since this was asked; the next run begins at the first one. */
  readonly takeSteps: () => number;
}

export interface ToolsOptions {
  /** Programs that are to be missing: those whose names match. */
  readonly without?: RegExp;
  /** Programs with a script of their own; `$real` is the real one. */
  readonly scripts?: Readonly<Record<string, string>>;
}

const found = findTools();

/** Every program that init may run, by its name. */
const programs: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...Object.values(found.iptables).flatMap(({ restore, save }) => [
      ...Object.values(restore),
      ...Object.values(save),
    ]),
    ...[found.nft, found.ip].flatMap((path) => path ?? []),
  ].map((path) => [path.slice(path.lastIndexOf("/") + 1), path]),
);

/**
 * What is written comes to the kernel step by step: a table of iptables-restore, a line of ip, a transaction of nft. A step
 * can be made slow (STEP_PAUSE, in seconds), so that what stands after the one before is met by traffic. Instead of step
 * number KILL_AT everything ends as by a kill: the run, and what it started.
 */
const stepScript = `
input=$(mktemp -d "$folder/input-XXXXXX")
case "$name $*" in
  *-restore\\ *) awk -v to="$input/" 'BEGIN { n = 10 } { print > (to n) } /^COMMIT/ { n++ }' ;;
  ip\\ *) cat > "$input/all"
    if grep -q ' list' "$input/all"; then exec "$real" "$@" < "$input/all"; fi
    awk -v to="$input/" '{ print > (to NR + 9) }' "$input/all"; rm "$input/all" ;;
  nft\\ -f*) cat > "$input/10" ;;
  *) exec "$real" "$@" ;;
esac
step() {
  (
    flock 9
    number=$(($(cat "$folder/steps") + 1))
    echo "$number" > "$folder/steps"
    [ "$number" = "\${KILL_AT:-}" ] && touch "$folder/killed"
    [ ! -e "$folder/killed" ]
  ) 9> "$folder/lock"
}
for part in "$input"/*; do
  if ! step; then kill -KILL "$PPID"; exit 1; fi
  sleep "\${STEP_PAUSE:-0}"
  "$real" "$@" < "$part" || exit
done`;

function script(folder: string, name: string, real: string, body: string): string {
  const lines = [
    "#!/bin/sh",
    `PATH=${process.env.PATH}`,
    `folder=${folder} name=${name} real=${real}`,
    `echo "$name $*" >> "$folder/calls"`,
    body,
  ];
  return `${lines.join("\n")}\n`;
}

/** Makes the folder; it goes when the test ends. */
export function createToolsFolder(context: TestContext, { without, scripts = {} }: ToolsOptions = {}): ToolsFolder {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-tools-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const path = join(folder, "bin");
  mkdirSync(path);
  const [calls, steps] = [join(folder, "calls"), join(folder, "steps")];
  writeFileSync(calls, "");
  chmodSync(calls, 0o666);
  writeFileSync(steps, "0");
  for (const [name, real] of Object.entries(programs)) {
    if (without?.test(name) === true) continue;
    writeFileSync(join(path, name), script(folder, name, real, scripts[name] ?? `exec "$real" "$@"`), { mode: 0o755 });
  }
  return {
    path,
    takeCalls: () => {
      const lines = readFileSync(calls, "utf8").split("\n").slice(0, -1);
      writeFileSync(calls, "");
      return lines;
    },
    takeSteps: () => {
      const number = Number(readFileSync(steps, "utf8"));
      writeFileSync(steps, "0");
      rmSync(join(folder, "killed"), { force: true });
      return number;
    },
  };
}

/** The folder's programs work step by step. */
export function createSteppedTools(context: TestContext): ToolsFolder {
  return createToolsFolder(context, {
    scripts: Object.fromEntries(Object.keys(programs).map((name) => [name, stepScript])),
  });
}
