import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const main = join(import.meta.dirname, "main-init.ts");

function printed(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout;
}

test("takes the command line that Istio's injector writes for istio-init", () => {
  const settings = ["-p", "15001", "-z", "15006", "-u", "1337", "-m", "REDIRECT", "-i", "*", "-x", "", "-b", "*"];
  const istios = ["istio-iptables", ...settings, "-d", "15090,15021,15020", "--log_output_level=default:info"];
  const ours = ["init", ...settings, "-d", "15090,15021,15020"];
  assert.equal(printed(...istios, "--log_as_json", "--dry-run"), printed(...ours, "--dry-run"));
});
