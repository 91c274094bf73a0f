import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Layout } from "./layout.ts";

/** A long-running program of the machine. */
export interface Program {
  readonly name: string;
  /** Found on PATH; by default the program's own name among the ones built for the cluster. */
  readonly executable?: string;
  readonly arguments: readonly string[];
}

export interface ProgramState {
  readonly pid: number | undefined;
  readonly running: boolean;
  readonly exit?: string;
}

/** Starts, stops and watches the machine's programs. Each writes its own log, appended over restarts. */
export class Programs {
  readonly #place: Layout;
  readonly #known = new Map<string, Program>();
  readonly #processes = new Map<string, ChildProcess>();

  constructor(place: Layout) {
    this.#place = place;
  }

  /** Makes a program known, so that it can be started later from outside. */
  know(program: Program): void {
    this.#known.set(program.name, program);
  }

  start(program: Program): void {
    this.know(program);
    if (this.state(program.name).running) return;
    const log = openSync(join(this.#place.logs, `${program.name}.log`), "a");
    const executable = program.executable ?? join(this.#place.programs, program.name);
    const child = spawn(executable, program.arguments, { stdio: ["ignore", log, log], cwd: "/" });
    closeSync(log);
    child.on("error", (error) => process.stderr.write(`${program.name}: ${error.message}\n`));
    this.#processes.set(program.name, child);
  }

  /** Sends the signal and waits for the end. */
  async stop(name: string, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#processes.get(name);
    if (child === undefined || !this.state(name).running) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  /** Starts a known program, the first time or again. */
  startKnown(name: string): void {
    const program = this.#known.get(name);
    if (program === undefined) throw new Error(`no program ${name}; there are ${[...this.#known.keys()].join(", ")}`);
    this.start(program);
  }

  state(name: string): ProgramState {
    const child = this.#processes.get(name);
    if (child === undefined) return { pid: undefined, running: false };
    const exit = child.signalCode ?? (child.exitCode === null ? undefined : `exit code ${child.exitCode}`);
    return exit === undefined ? { pid: child.pid, running: true } : { pid: child.pid, running: false, exit };
  }

  states(): Record<string, ProgramState> {
    return Object.fromEntries([...this.#known.keys()].map((name) => [name, this.state(name)]));
  }
}
