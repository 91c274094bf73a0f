import assert from "node:assert/strict";
import { test } from "node:test";
import type { Authentication } from "./authentication.ts";
import { limitedAuthenticator } from "./limited-authenticator.ts";
import { tokenReviewer } from "./token-review.ts";

const identity = { namespace: "shop", serviceAccount: "web", pod: { name: "web-1", uid: "u1" } };

test("so many tokens are checked at once, so many wait, and the rest come again", async () => {
  const pending: ((value: Authentication) => void)[] = [];
  let atOnce = 0;
  let most = 0;
  const check = limitedAuthenticator(
    async () => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      const answer = await new Promise<Authentication>((resolve) => pending.push(resolve));
      atOnce -= 1;
      return answer;
    },
    { atOnce: 2, waiting: 3 },
  );
  const answers = Array.from({ length: 6 }, () => check("token"));
  assert.deepEqual(await answers[5], { ok: false, reason: "unavailable", detail: "too many tokens wait" });
  for (let index = 0; index < 5; index += 1) {
    while (pending.length <= index) await new Promise(setImmediate);
    pending[index]?.({ ok: true, identity });
  }
  for (const answer of answers.slice(0, 5)) assert.equal((await answer).ok, true);
  assert.equal(most, 2);
  const later = check("token");
  while (pending.length < 6) await new Promise(setImmediate);
  pending[5]?.({ ok: true, identity });
  assert.equal((await later).ok, true);
});

test("the API server is not asked about what is no token of a Pod for us by its own words", async () => {
  let asked = 0;
  const api = {
    createTokenReview: async () => {
      asked += 1;
      return { spec: { token: "" }, status: { authenticated: false } };
    },
  };
  const check = tokenReviewer(api, "outrigger-discovery");
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: "https://kubernetes.default.svc",
    aud: ["outrigger-discovery"],
    exp: now + 600,
    "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web" }, pod: { name: "web-1", uid: "u1" } },
  };
  const tokenOf = (changes: object) => `${encode({ alg: "RS256" })}.${encode({ ...claims, ...changes })}.c2lnbmVk`;
  const cases: readonly (readonly [token: string, reason: string])[] = [
    ["hello", "invalid-token"],
    ["a.b.c", "invalid-token"],
    [`${tokenOf({})}.more`, "invalid-token"],
    [tokenOf({ exp: now - 600 }), "invalid-token"],
    [tokenOf({ nbf: now + 600 }), "invalid-token"],
    [tokenOf({ aud: ["https://kubernetes.default.svc"] }), "wrong-audience"],
    [tokenOf({ "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web" } } }), "not-bound-to-a-pod"],
  ];
  for (const [token, reason] of cases) {
    const answer = await check(token);
    assert.equal(answer.ok ? "" : answer.reason, reason);
  }
  assert.equal(asked, 0);
  await check(tokenOf({}));
  assert.equal(asked, 1);
});
