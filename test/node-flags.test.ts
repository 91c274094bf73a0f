import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { allocatorEnvironment, webhookNodeFlags } from "../mesh/node-flags.ts";

test("the webhook of a checkout starts as the one in its Deployment does", () => {
  const script = readFileSync(join(import.meta.dirname, "..", "bin", "outrigger"), "utf8");
  assert.ok(script.includes(`exec "$node" ${webhookNodeFlags.join(" ")} "$root/cli/main.ts" "$@"`), script);
  const variables = Object.entries(allocatorEnvironment).map(([name, value]) => `${name}=${value}`);
  assert.ok(script.includes(`export ${variables.join(" ")}\n`), script);
});
