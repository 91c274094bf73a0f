import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OutriggerError } from "../mesh/errors.ts";
import { answerReview, answerTo, isPodCreation, parseReview, printAnswer, type ReviewAnswer } from "./review.ts";

const review = (request: object, apiVersion = "admission.k8s.io/v1") =>
  JSON.stringify({ apiVersion, kind: "AdmissionReview", request });
const object = { metadata: { name: "cart" }, spec: { containers: [] } };
const auditAnnotations = { decision: "inject", rule: "policy", revision: "default" } as const;

const printed = (answer: ReviewAnswer) => answerTo(answer.response.uid, printAnswer(answer));

const refused: Readonly<Record<string, readonly [body: string, says: RegExp]>> = {
  "an empty body": ["", /body is empty/],
  "a body that is not JSON": ["apiVersion: v1", /body is not JSON/],
  "half a review": [review({ uid: "1", object }).slice(0, -3), /body is not JSON/],
  "JSON that is no object": ["[]", /apiVersion is missing/],
  null: ["null", /must be Object/],
  "another kind": [
    '{"apiVersion":"v1","kind":"Pod"}',
    /apiVersion "v1" must be .*\n.*kind "Pod".*\n.*request is missing/,
  ],
  "a version of the future": [review({ uid: "1", object }, "admission.k8s.io/v2"), /apiVersion "admission.k8s.io\/v2"/],
  "a review that is an answer": ['{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}', /request is missing/],
  "a request without uid": [review({ object }), /request.uid is missing/],
  "a request with an empty uid": [review({ uid: "", object }), /request.uid "" must not be empty/],
  "a request without object": [review({ uid: "1" }), /request.object is missing/],
  "a deletion": [review({ uid: "1", operation: "DELETE", object: null }), /request.object "null" must be an object/],
  "an unknown operation": [review({ uid: "1", operation: "EAT", object }), /request.operation "EAT"/],
  "a namespace that is no text": [review({ uid: "1", namespace: 1, object }), /request.namespace "1" must be string/],
};

for (const [name, [body, says]] of Object.entries(refused)) {
  test(`${name} is refused with the field`, () => {
    assert.throws(
      () => parseReview(body),
      (error) => {
        assert.ok(error instanceof OutriggerError);
        assert.equal(error.code, "BAD_REVIEW");
        assert.match(error.message, says);
        return true;
      },
    );
  });
}

test("an unreadable body is not quoted, since a Pod can hold secrets", () => {
  const body = review({ uid: "1", object: { spec: "hunter2" } }).replace('"hunter2"', "hunter2");
  assert.throws(
    () => parseReview(body),
    (error) => !(error as Error).message.includes("hunter2"),
  );
});

test("whatever text comes is read or refused, nothing else", () => {
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc.jsonValue().map((value) => review({ uid: "1", object: value })),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        parseReview(text);
      } catch (error) {
        assert.ok(error instanceof OutriggerError);
      }
    }),
  );
});

for (const apiVersion of ["admission.k8s.io/v1", "admission.k8s.io/v1beta1"]) {
  test(`${apiVersion} is answered in its own version`, () => {
    const answer = answerReview(parseReview(review({ uid: "u1", object }, apiVersion)), {
      allowed: true,
      patch: [{ op: "add", path: "/metadata/labels", value: { "a/b": "ü" } }],
      warnings: ["läuft 😀", "x".repeat(300)],
      auditAnnotations,
    });
    assert.equal(answer.apiVersion, apiVersion);
    const read: ReviewAnswer = JSON.parse(printed(answer));
    assert.deepEqual(read, answer);
    assert.equal(read.response.uid, "u1");
    assert.deepEqual(JSON.parse(Buffer.from(read.response.patch ?? "", "base64").toString()), [
      { op: "add", path: "/metadata/labels", value: { "a/b": "ü" } },
    ]);
    assert.deepEqual(read.response.warnings, ["läuft 😀", "x".repeat(256)]);
    assert.match(printed(answer), /^[\x20-\x7e]+$/);
  });
}

test("an empty patch is left out, with its type", () => {
  const answer = answerReview(parseReview(review({ uid: "u1", object })), {
    allowed: true,
    patch: [],
    warnings: [],
    auditAnnotations,
  });
  assert.deepEqual(JSON.parse(printed(answer)).response, { uid: "u1", allowed: true, auditAnnotations });
});

test("a denial carries its message to whoever created the Pod", () => {
  const answer = answerReview(parseReview(review({ uid: "u1", object })), {
    allowed: false,
    message: "annotation x is bad",
    problems: [],
    warnings: [],
    auditAnnotations: { decision: "deny", rule: "invalid", revision: "default" },
  });
  const { allowed, status, patch } = JSON.parse(printed(answer)).response;
  assert.deepEqual([allowed, patch], [false, undefined]);
  assert.deepEqual(status, { status: "Failure", reason: "Invalid", code: 422, message: "annotation x is bad" });
});

test("only the creation of a Pod is ours", () => {
  const pod = { group: "", version: "v1", kind: "Pod" };
  const is = (request: object) => isPodCreation(parseReview(review({ uid: "1", object, ...request })));
  assert.equal(is({}), true);
  assert.equal(is({ kind: pod, operation: "CREATE" }), true);
  assert.equal(is({ kind: pod, operation: "UPDATE" }), false);
  assert.equal(is({ kind: { ...pod, kind: "ConfigMap" } }), false);
  assert.equal(is({ kind: { ...pod, group: "metrics.k8s.io" } }), false);
});
