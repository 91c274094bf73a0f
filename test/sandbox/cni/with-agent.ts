import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { CniFailure, type CniNode, createNode } from "./node.ts";

/** A node that is gone after the test. */
export async function nodeFor(t: TestContext, options?: { ipv6?: boolean }): Promise<CniNode> {
  const made = await createNode(options);
  t.after(() => made.close());
  return made;
}

/** A node whose agent is ready. */
export async function withAgent(t: TestContext, options: { ipv6?: boolean } = {}, ...flags: readonly string[]) {
  const made = await nodeFor(t, options);
  const agent = await made.startAgent(...flags);
  t.after(() => agent.stop());
  await agent.logged("ready");
  return { node: made, agent };
}

/** The types of the plugins in a conflist. */
export const types = (file: string): string[] =>
  (JSON.parse(readFileSync(file, "utf8")) as { plugins: { type: string }[] }).plugins.map(({ type }) => type);

/** The rules in what iptables-save prints. */
export function rules(save: string): string[] {
  return save.split("\n").filter((line) => line.startsWith("-A"));
}

/** The failure of a call that must not succeed. */
export async function failure(call: Promise<unknown>): Promise<CniFailure> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CniFailure) return error;
    throw error;
  }
  return assert.fail("the call succeeded");
}
