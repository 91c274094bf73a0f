import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { OutriggerError } from "../mesh/errors.ts";
import { readServiceAccount } from "./service-account.ts";

const inPod = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };

async function account(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "outrigger-account-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "ca.crt"), "authorities");
  await writeFile(join(folder, "token"), "first\n");
  return folder;
}

test("a Pod's credentials; what was refused is read again", async (t) => {
  const folder = await account(t);
  const { host, port, authorities, token } = await readServiceAccount(folder, inPod);
  assert.deepEqual([host, port, await authorities.read()], ["fd00::1", 443, "authorities"]);
  assert.equal(await token.read(), "first");
  await writeFile(join(folder, "token"), "second");
  assert.equal(await token.read(), "first", "not read for every request");
  token.forget();
  assert.equal(await token.read(), "second");
  await rm(join(folder, "token"));
  token.forget();
  await assert.rejects(token.read(), { code: "ENOENT" });
  await writeFile(join(folder, "token"), "third");
  assert.equal(await token.read(), "third", "an error is not kept");
});

async function problemsOf(work: Promise<unknown>): Promise<string[]> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof OutriggerError);
    return error.problems.map(({ field }) => field);
  }
  return assert.fail("it is accepted");
}

test("outside a Pod both variables are named; without a token, the file", async (t) => {
  const folder = await account(t);
  const names = ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"];
  assert.deepEqual(await problemsOf(readServiceAccount(folder, {})), names);
  assert.deepEqual(await problemsOf(readServiceAccount(folder, { ...inPod, KUBERNETES_SERVICE_PORT: "x" })), [
    names[1],
  ]);
  assert.deepEqual(await problemsOf(readServiceAccount("/nonexistent", inPod)), ["/nonexistent/ca.crt"]);
});
