import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Pod } from "../mesh/pod.ts";
import { arbitraryPod } from "../test/arbitrary-pod.ts";
import { deploymentPod, reviewOf } from "../test/fixtures/deployment-review.ts";
import { type AnswerContext, answer } from "./answer.ts";
import { noClusterFacts } from "./cluster-facts.ts";
import { createAnswers } from "./kept-answers.ts";
import { answerTo } from "./review.ts";
import { reviewKey } from "./review-key.ts";
import { injectionSettings } from "./settings.ts";

const settings = injectionSettings();
const context: AnswerContext = { path: "/inject", settings, facts: noClusterFacts };
const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** What the API server makes new for each Pod. */
interface Fresh {
  readonly uid: string;
  readonly suffix: string;
  readonly time: string;
}

const [one, other]: [Fresh, Fresh] = [
  { uid: "2a4c2d0c-7f0e-4a53-9d2e-4a4e4d5b9e0a", suffix: "x7k2p", time: "2026-01-01T00:00:00" },
  { uid: "8d3b0f52-6b1e-4f0e-8d25-0c6f2f0a9b11", suffix: "bcd24", time: "2026-11-25T23:59:59" },
];

/** The review of a Pod as the API server makes it of a template: with the token's volume in every container. */
function reviewText(template: Pod, { uid, suffix, time }: Fresh): string {
  const name = `kube-api-access-${suffix}`;
  const mount = { name, readOnly: true, mountPath: serviceAccountFolder };
  const pod = structuredClone(template) as Pod & { metadata: { managedFields?: unknown } };
  pod.metadata.managedFields = [
    {
      manager: "kube-controller-manager",
      operation: "Update",
      apiVersion: "v1",
      time: `${time}Z`,
      fieldsType: "FieldsV1",
    },
  ];
  const mounted = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  for (const container of mounted) container.volumeMounts = [...(container.volumeMounts ?? []), mount];
  pod.spec.volumes = [...(pod.spec.volumes ?? []), { name, projected: { sources: [] } }];
  const review = reviewOf(pod) as { request: { uid: string } };
  review.request.uid = uid;
  return JSON.stringify(review);
}

const template: Pod = JSON.parse(JSON.stringify(deploymentPod).replaceAll("kube-api-access-x7k2p", "token"));

function alone(text: string): string {
  const { uid, verdict } = answer(text, context);
  return answerTo(uid, verdict.answer);
}

function answering() {
  const answers = createAnswers();
  return (text: string, inContext = context) => {
    const { uid, answer: printed, record, repeated } = answers(Buffer.from(text), inContext);
    return { text: answerTo(uid, printed), record, repeated };
  };
}

test("Pods of one template have one key, and one answer but for the uid", () => {
  const [first, second] = [reviewText(template, one), reviewText(template, other)];
  assert.equal(reviewKey(Buffer.from(first), "/inject")?.key, reviewKey(Buffer.from(second), "/inject")?.key);
  const ask = answering();
  const [once, kept, again] = [ask(second), ask(first), ask(second)];
  assert.deepEqual([once.repeated, kept.repeated, again.repeated], [false, false, true]);
  assert.equal(again.text, alone(second));
  assert.deepEqual(again.record, kept.record);
});

test("every answer is what it would be without the others", () => {
  const ask = answering();
  fc.assert(
    fc.property(arbitraryPod, fc.constantFrom(one, other), fc.constantFrom(one, other), (pod, first, second) => {
      for (const fresh of [first, first, second, first]) {
        const text = reviewText(pod, fresh);
        assert.equal(ask(text).text, alone(text));
      }
    }),
  );
});

test("any other change of the text makes another key", () => {
  const text = reviewText(template, one);
  const key = reviewKey(Buffer.from(text), "/inject")?.key;
  const isFresh = (at: number) =>
    [one.uid, one.time, ...Array.from({ length: 9 }, () => `kube-api-access-${one.suffix}`)].reduce(
      ({ from, found }, word) => {
        const start = text.indexOf(word, from);
        return {
          from: start < 0 ? from : start + word.length,
          found: found || (at >= start && at < start + word.length),
        };
      },
      { from: 0, found: false },
    ).found;
  fc.assert(
    fc.property(fc.nat(text.length - 1), (at) => {
      fc.pre(!isFresh(at));
      const changed = `${text.slice(0, at)}~${text.slice(at + 1)}`;
      assert.notEqual(reviewKey(Buffer.from(changed), "/inject")?.key, key);
    }),
  );
  assert.notEqual(reviewKey(Buffer.from(text), "/inject/cluster/east")?.key, key);
});

const separate: Readonly<Record<string, (text: string) => string>> = {
  "a Pod whose own istio-proxy is recorded with the volume's name": (text) =>
    text.replace('"name":"cart","image"', '"name":"istio-proxy","image"'),
  "a review that says its uid twice": (text) => text.replace(/}$/, `,"uid":"${one.uid}"}`),
  "a Pod that is denied": (text) =>
    text.replace('"annotations":{', '"annotations":{"status.sidecar.istio.io/port":"x",'),
};

for (const [name, change] of Object.entries(separate)) {
  test(`${name} is answered by itself each time`, () => {
    const ask = answering();
    const [first, second] = [change(reviewText(template, one)), change(reviewText(template, other))];
    for (const text of [first, second, second]) assert.equal(ask(text).repeated, false);
    assert.equal(ask(second).text, alone(second));
  });
}

const withoutKey: Readonly<Record<string, string>> = {
  "an empty body": "",
  "a review that begins with its object": JSON.stringify({ request: { object: template, uid: one.uid } }),
  "a long review": reviewText({ ...template, metadata: { annotations: { long: "x".repeat(70_000) } } }, one),
};

for (const [name, text] of Object.entries(withoutKey)) {
  test(`${name} has no key`, () => {
    assert.equal(reviewKey(Buffer.from(text), "/inject"), undefined);
  });
}

test("two volumes for tokens are not taken for one", () => {
  const both = (first: string, second: string) =>
    Buffer.from(
      reviewText(
        { ...template, spec: { ...template.spec, volumes: [{ name: `kube-api-access-${first}` }] } },
        {
          ...one,
          suffix: second,
        },
      ),
    );
  assert.notEqual(reviewKey(both("aaaaa", "bbbbb"), "/inject")?.key, reviewKey(both("bbbbb", "aaaaa"), "/inject")?.key);
});

test("other settings and other facts are looked at at once", () => {
  const ask = answering();
  const text = reviewText(template, one);
  const kept = ask(text);
  ask(text);
  assert.equal(ask(text).repeated, true);
  const canary = { ...context, settings: injectionSettings({ revision: "canary" }) };
  assert.match(ask(text, canary).text, /"revision":"canary"/);
  const facts = { ...noClusterFacts, supportsNativeSidecars: () => false };
  assert.notEqual(ask(text, { ...context, facts }).text, kept.text);
});

test("what is kept is bounded: the oldest answers go first", () => {
  const ask = answering();
  const text = (index: number) => reviewText(template, one).replaceAll("7d4b9c6f5", `hash-${index}`);
  for (let index = 0; index < 300; index += 1) {
    for (const _time of ["first", "second"]) assert.equal(ask(text(index)).repeated, false);
    const before = Math.max(0, index - 80);
    const again = ask(text(before));
    assert.equal(again.repeated, true);
    if (index % 37 === 0) assert.equal(again.text, alone(text(before)));
  }
  assert.equal(ask(text(0)).repeated, false);
});

test("answers without a patch are bounded by their number", () => {
  const ask = answering();
  const pod = { ...template, spec: { ...template.spec, hostNetwork: true } };
  const text = (index: number) => reviewText(pod, one).replaceAll("7d4b9c6f5", `hash-${index}`);
  for (let index = 0; index < 1100; index += 1) for (const _time of ["first", "second"]) ask(text(index));
  assert.deepEqual([ask(text(1099)).repeated, ask(text(0)).repeated], [true, false]);
});
