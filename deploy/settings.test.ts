import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../mesh/errors.ts";
import { installSettings } from "./settings.ts";

function problemsOf(input: unknown): string[] {
  try {
    installSettings(input);
    return [];
  } catch (error) {
    assert.ok(error instanceof OutriggerError);
    return error.problems.map(({ field, message }) => `${field} ${message}`);
  }
}

test("everything has a default", () => {
  const settings = installSettings();
  assert.equal(settings.namespace, "outrigger-system");
  assert.equal(settings.webhook.failurePolicy, "Ignore");
  assert.deepEqual(settings.certificates, { from: "self-managed" });
});

test("every wrong setting is named at once", () => {
  const problems = problemsOf({ namespace: "Not_DNS", webhook: { timeoutSeconds: 99, colour: "red" } });
  assert.deepEqual(problems, [
    "namespace is not a DNS label: use lower-case letters, digits and '-'",
    "webhook.timeoutSeconds is above 30",
    "webhook.colour is not a setting",
  ]);
});

test("settings that contradict each other are refused", () => {
  assert.deepEqual(problemsOf({ webhook: { replicas: { minimum: 4, maximum: 3 } } }), [
    "webhook.replicas.maximum is below webhook.replicas.minimum, 4",
  ]);
  assert.deepEqual(problemsOf({ revision: "canary", enableNamespacesByDefault: true }), [
    "enableNamespacesByDefault is for the default revision only",
  ]);
  assert.deepEqual(problemsOf({ revision: "canary", tags: ["default"], enableNamespacesByDefault: true }), []);
});
