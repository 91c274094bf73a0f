import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../mesh/errors.ts";
import { attempt, type Command, commandLine, type Failure, run } from "./command.ts";

async function failing(command: Command): Promise<Failure> {
  const outcome = await attempt(command);
  assert.ok(!outcome.ok);
  return outcome.failure;
}

for (const meanwhile of ["nothing", "others"] as const) {
  const node = (script: string, more: Partial<Command> = {}): Command => {
    return { file: process.execPath, args: ["-e", script], meanwhile, ...more };
  };

  test(`a command gets its input and gives its output, every character of it (meanwhile ${meanwhile})`, async () => {
    const input = "añ€😀\n".repeat(50_000);
    assert.equal(await run(node("process.stdin.pipe(process.stdout)", { input })), input);
  });

  test(`a command without input sees the end of it at once (meanwhile ${meanwhile})`, async () => {
    assert.equal(await run(node("process.stdin.on('end', () => console.log('end')).resume()")), "end\n");
  });

  test(`a failure has the line to paste, the exit code, and what was said (meanwhile ${meanwhile})`, async () => {
    const script = "console.log('out'); console.error('it is wrong'); process.exit(3)";
    const failure = await failing(node(script, { input: "some" }));
    assert.equal(failure.command, `${process.execPath} -e '${script.replaceAll("'", `'\\''`)}'`);
    assert.equal(failure.ended, "ended with exit code 3");
    assert.equal(failure.stdout, "out\n");
    assert.equal(failure.stderr, "it is wrong\n");
    assert.equal(failure.input, "some");
    assert.equal(failure.notInstalled, false);
  });

  test(`a command need not read its input (meanwhile ${meanwhile})`, async () => {
    const input = "x".repeat(4_000_000);
    assert.equal((await failing(node("process.exit(4)", { input }))).ended, "ended with exit code 4");
    assert.equal(await run(node("console.log('well')", { input })), "well\n");
  });

  test(`a program that is not there is told so (meanwhile ${meanwhile})`, async () => {
    const failure = await failing({ file: "/nonexistent/program", args: [], meanwhile });
    assert.equal(failure.ended, "is not installed");
    assert.equal(failure.notInstalled, true);
    await assert.rejects(run({ file: "/nonexistent/program", args: ["-x"], meanwhile }), (error) => {
      assert.ok(error instanceof OutriggerError);
      assert.match(error.message, /\/nonexistent\/program -x.*is not installed.*install it/s);
      return true;
    });
  });

  test(`a file that cannot be run is told by the system's error (meanwhile ${meanwhile})`, async () => {
    assert.equal((await failing({ file: "/etc/passwd", args: [], meanwhile })).ended, "ended with EACCES");
  });

  test(`a program that does not end is killed, though it ignores SIGTERM (meanwhile ${meanwhile})`, async () => {
    const failure = await failing(
      node("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)", { timeoutMs: 300 }),
    );
    assert.equal(failure.ended, "did not end within 300 ms");
  });

  test(`a program that a signal ends is told by it (meanwhile ${meanwhile})`, async () => {
    assert.equal((await failing(node("process.kill(process.pid, 'SIGTERM')"))).ended, "ended with SIGTERM");
  });

  test(`a program that prints without end is stopped (meanwhile ${meanwhile})`, async () => {
    const failure = await failing({ file: "yes", args: ["x".repeat(10_000)], meanwhile });
    assert.equal(failure.ended, "printed more than 67108864 bytes");
  });
}

test("words that a shell would take apart are quoted", () => {
  assert.equal(commandLine({ file: "nft", args: ["-f", "a b", "it's"] }), `nft -f 'a b' 'it'\\''s'`);
});
