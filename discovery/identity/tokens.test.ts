import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { describe, it } from "node:test";
import { bearerToken } from "./authentication.ts";
import { localTokens } from "./local-tokens.ts";
import { judgeReview } from "./token-review.ts";

const audience = "outrigger-discovery";
const issuer = "https://issuer";
const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
const otherKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });
const publicKey = keys.publicKey.export({ type: "spki", format: "pem" }).toString();
const now = 1_800_000_000;

const claims = {
  iss: issuer,
  aud: [audience],
  exp: now + 3600,
  nbf: now,
  "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web" }, pod: { name: "web-1", uid: "u1" } },
};

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

function token(changes: object = {}, key: KeyObject = keys.privateKey, header: object = { alg: "ES256" }): string {
  const text = `${encode(header)}.${encode({ ...claims, ...changes })}`;
  return `${text}.${sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

const check = localTokens({ publicKey, issuer, audience, now: () => now * 1000 });

async function reasonOf(text: string): Promise<string> {
  const result = await check(text);
  return result.ok ? "ok" : result.reason;
}

describe("local tokens", () => {
  const { pod: _, ...unbound } = claims["kubernetes.io"];
  const cases: readonly (readonly [what: string, token: string, reason: string])[] = [
    ["a good one", token(), "ok"],
    ["one audience as text", token({ aud: audience }), "ok"],
    ["another audience", token({ aud: ["kubernetes"] }), "wrong-audience"],
    ["another issuer", token({ iss: "https://evil" }), "invalid-token"],
    ["an expired one", token({ exp: now - 60 }), "invalid-token"],
    ["one that expired a moment ago, by another clock", token({ exp: now - 10 }), "ok"],
    ["one of the future", token({ nbf: now + 600 }), "invalid-token"],
    ["one bound to no Pod", token({ "kubernetes.io": unbound }), "not-bound-to-a-pod"],
    ["another key", token({}, otherKeys.privateKey), "invalid-token"],
    ["no algorithm", `${encode({ alg: "none" })}.${encode(claims)}.`, "invalid-token"],
    ["another algorithm's name", token({}, keys.privateKey, { alg: "HS256" }), "invalid-token"],
    ["changed claims", token().replace(/\.[^.]+\./, `.${encode({ ...claims, iss: issuer, x: 1 })}.`), "invalid-token"],
    ["a part too many", `${token()}.x`, "invalid-token"],
    ["no token at all", "hello", "invalid-token"],
    ["nothing", "", "invalid-token"],
  ];
  for (const [what, text, reason] of cases) it(what, async () => assert.equal(await reasonOf(text), reason));

  it("names the Pod and the identity", async () => {
    const result = await check(token());
    assert.deepEqual(result, {
      ok: true,
      identity: { namespace: "shop", serviceAccount: "web", pod: { name: "web-1", uid: "u1" } },
    });
  });
});

describe("what the API server says of a token", () => {
  const extra = {
    "authentication.kubernetes.io/pod-name": ["web-1"],
    "authentication.kubernetes.io/pod-uid": ["u1"],
  };
  const user = { username: "system:serviceaccount:shop:web", extra };
  const reason = (review: Parameters<typeof judgeReview>[0]) => {
    const result = judgeReview(review, audience);
    return result.ok ? result.identity : result.reason;
  };

  it("takes a Pod's, for us", () => {
    assert.deepEqual(reason({ authenticated: true, audiences: [audience], user }), {
      namespace: "shop",
      serviceAccount: "web",
      pod: { name: "web-1", uid: "u1" },
    });
  });
  it("refuses what it does not know, is for others, or is no Pod's", () => {
    assert.equal(reason(undefined), "invalid-token");
    assert.equal(reason({ authenticated: false, audiences: [audience], user }), "invalid-token");
    assert.equal(reason({ authenticated: true, user }), "wrong-audience");
    assert.equal(reason({ authenticated: true, audiences: ["other"], user }), "wrong-audience");
    assert.equal(
      reason({ authenticated: true, audiences: [audience], user: { ...user, extra: {} } }),
      "not-bound-to-a-pod",
    );
    assert.equal(
      reason({ authenticated: true, audiences: [audience], user: { extra, username: "jane" } }),
      "not-bound-to-a-pod",
    );
  });
});

describe("bearerToken", () => {
  it("takes the token of a Bearer header and nothing else", () => {
    assert.equal(bearerToken("Bearer a.b.c"), "a.b.c");
    assert.equal(bearerToken("bearer a.b-c_d"), "a.b-c_d");
    for (const header of [undefined, "", "Bearer", "Bearer ", "Bearer a b", "Basic a", "Bearer a\nb"]) {
      assert.equal(bearerToken(header), undefined, String(header));
    }
  });
});
