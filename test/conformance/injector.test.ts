import assert from "node:assert/strict";
import { test } from "node:test";
import fastJsonPatch from "fast-json-patch";
import { parseAllDocuments } from "yaml";
import type { Pod } from "../../mesh/pod.ts";
import { admit } from "../../webhook/admit.ts";
import { injectYaml } from "../../webhook/manual/inject-yaml.ts";
import { uninjectYaml } from "../../webhook/manual/uninject-yaml.ts";
import {
  caseNames,
  casesFolder,
  comparable,
  comparableDocument,
  type InjectorCase,
  readCase,
} from "./injector-cases.ts";

/** Cases that need what Outrigger does not have, with the reason. */
const skipped: Readonly<Record<string, string>> = {};

const names = caseNames();
if (names.length === 0) test("injector conformance", { skip: `no cases: ${casesFolder} is absent` }, () => undefined);

function patched(pod: Pod, admission: ReturnType<typeof admit>): Pod {
  assert.ok(admission.allowed);
  const operations = admission.patch as fastJsonPatch.Operation[];
  return fastJsonPatch.applyPatch(structuredClone(pod), operations, true).newDocument;
}

function checkWebhook({ pod, response, settings, facts, namespace }: InjectorCase): void {
  assert.ok(pod && response);
  const admission = admit({ namespace, object: pod }, settings, facts);
  assert.equal(admission.allowed, response.allowed, admission.allowed ? "" : admission.message);
  if (!admission.allowed || response.pod === undefined) return;
  const result = patched(pod, admission);
  assert.deepEqual(comparable(result), comparable(response.pod));
  const again = admit({ namespace, object: result }, settings, facts);
  assert.ok(again.allowed);
  assert.deepEqual(again.patch, [], "injecting again changes nothing");
}

function documents(yaml: string): unknown[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as unknown)
    .filter((value) => value !== null);
}

function checkManual({ inputYaml, injectedYaml, expectedError, settings, facts }: InjectorCase): void {
  const inject = () => injectYaml(inputYaml, { source: "input.yaml", namespace: "", facts }, settings).text;
  if (expectedError !== null) {
    assert.throws(inject, ({ message }: Error) => message.toLowerCase().includes(expectedError));
    return;
  }
  assert.ok(injectedYaml);
  assert.deepEqual(documents(inject()).map(comparableDocument), documents(injectedYaml).map(comparableDocument));
}

/** Cases whose input cannot come back exactly, with the reason. */
const notGivenBack: Readonly<Record<string, string>> = {
  "proxy-override": "the user's own quantities come back in Kubernetes' spelling",
  "gateway-spire": "a volume that a template of the user's gives a source may be the Pod's own",
};

function checkUninject({ inputYaml, injectedYaml }: InjectorCase): void {
  assert.ok(injectedYaml);
  const given = uninjectYaml(injectedYaml, "injected.yaml");
  assert.deepEqual(documents(given).map(comparableDocument), documents(inputYaml).map(comparableDocument));
}

for (const name of names) {
  const skip = skipped[name] ?? false;
  const one = readCase(name);
  test(`injector ${name}: webhook`, { skip: one.pod === undefined ? "the case has no webhook part" : skip }, () =>
    checkWebhook(one),
  );
  const manual = one.injectedYaml !== undefined || one.expectedError !== null;
  const uninjectable = one.injectedYaml === undefined ? "the case has no manual part" : notGivenBack[name];
  test(`injector ${name}: uninject`, { skip: uninjectable ?? false }, () => checkUninject(one));
  test(`injector ${name}: manual`, { skip: manual ? skip : "the case has no manual part" }, () => checkManual(one));
}
