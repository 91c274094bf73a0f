import { type ChildProcess, spawn } from "node:child_process";
import { type Command, commandLine, defaultTimeoutMs, type Outcome } from "../../host/command.ts";
import { type NetworkNamespace, throughNsenter } from "../../host/netns.ts";
import { jsonLines } from "../../mesh/json-lines.ts";

/** Runs commands in network namespaces through one helper process, `cni/enter`. */
export interface NamespaceEntrance {
  namespace(path: string): NetworkNamespace;
  /** Ends the helper process. Commands that still run are killed. */
  close(): void;
}

/** What the helper answers; cni/enter/main.go has the other side. */
interface Answer {
  readonly id: number;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly timedOut?: boolean;
  readonly error?: string;
  readonly notFound?: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Both outputs at their limit, every byte of them escaped. */
const longestAnswerBytes = 256 * 1024 * 1024;

interface Helper {
  readonly process: ChildProcess;
  readonly waiting: Map<number, (answer: Answer) => void>;
}

function startHelper(program: string, ended: () => void): Helper {
  const child = spawn(program, [], { stdio: ["pipe", "pipe", "inherit"] });
  const waiting: Helper["waiting"] = new Map();
  const end = (reason: string) => {
    ended();
    for (const [id, resolve] of waiting) resolve({ id, error: reason, stdout: "", stderr: "" });
    waiting.clear();
  };
  child.once("error", (error) => end(error.message));
  child.once("exit", (code, signal) => end(`${program} ended with ${signal ?? code}`));
  // Its end says it all.
  child.stdin.on("error", () => undefined);
  const take = async () => {
    for await (const value of jsonLines(child.stdout, longestAnswerBytes)) {
      const answer = value as Answer;
      waiting.get(answer.id)?.(answer);
      waiting.delete(answer.id);
    }
  };
  // An answer that cannot be read is a defect of the helper's: its end tells those who wait.
  take().catch(() => child.kill("SIGKILL"));
  return { process: child, waiting };
}

function endOf({ exitCode, signal, timedOut, error, notFound }: Answer, timeoutMs: number): string {
  if (timedOut) return `did not end within ${timeoutMs} ms`;
  if (notFound) return "is not installed";
  if (error !== undefined) return `failed: ${error}`;
  return `ended with ${signal ?? `exit code ${exitCode}`}`;
}

function outcomeOf(answer: Answer, command: Command, path: string): Outcome {
  const { stdout, stderr } = answer;
  if (answer.exitCode === 0) return { ok: true, stdout };
  const ended = endOf(answer, command.timeoutMs ?? defaultTimeoutMs);
  const notInstalled = answer.notFound === true;
  const { input = "" } = command;
  const typed = commandLine(throughNsenter(path, command));
  return { ok: false, failure: { command: typed, ended, stdout, stderr, input, notInstalled, cause: answer } };
}

/**
 * Starts the helper with the first command, and again when it has ended.
 * @param program the path of `outrigger-enter`
 */
export function enterNamespaces(program: string): NamespaceEntrance {
  let helper: Helper | undefined;
  let lastId = 0;

  async function ask(path: string, command: Command): Promise<Outcome> {
    const { file, args, input = "", timeoutMs = defaultTimeoutMs } = command;
    helper ??= startHelper(program, () => {
      helper = undefined;
    });
    lastId += 1;
    const id = lastId;
    const { waiting, process } = helper;
    const answer = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    process.stdin?.write(`${JSON.stringify({ id, namespace: path, file, args, input, timeoutMs })}\n`);
    return outcomeOf(await answer, command, path);
  }
  return {
    namespace: (path) => ({ path, run: (command) => ask(path, command) }),
    close: () => helper?.process.kill("SIGKILL"),
  };
}
