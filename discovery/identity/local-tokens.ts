import { createPublicKey, type KeyObject, verify } from "node:crypto";
import * as v from "valibot";
import type { Authentication, Authenticator } from "./authentication.ts";

/**
 * Service-account tokens checked against the issuer's public key, without asking an API server: for the sandbox, and for
 * clusters in which discovery may read the issuer's keys.
 * Claims: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
 */
export interface LocalTokensOptions {
  /** PEM of the issuer's ECDSA P-256 or RSA public key. */
  readonly publicKey: string;
  readonly issuer: string;
  readonly audience: string;
  /** Milliseconds since 1970; now, unless given. */
  readonly now?: () => number;
}

const claimsSchema = v.object({
  iss: v.string(),
  aud: v.union([v.string(), v.array(v.string())]),
  exp: v.number(),
  nbf: v.optional(v.number()),
  "kubernetes.io": v.object({
    namespace: v.string(),
    serviceaccount: v.object({ name: v.string() }),
    pod: v.optional(v.object({ name: v.string(), uid: v.string() })),
  }),
});

const headerSchema = v.object({ alg: v.picklist(["ES256", "RS256"]) });

type Claims = v.InferOutput<typeof claimsSchema>;

/** Clocks of a node and of the issuer may differ by this much. */
const clockSkewMs = 30_000;

function decode(part: string): unknown {
  return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
}

/** Which algorithm goes with a key is the key's to say, never the token's. */
const algorithms: Readonly<Record<string, { readonly alg: string; readonly dsaEncoding?: "ieee-p1363" }>> = {
  ec: { alg: "ES256", dsaEncoding: "ieee-p1363" },
  rsa: { alg: "RS256" },
};

function claimsOf(token: string, key: KeyObject): Claims | undefined {
  const [header = "", payload = "", signature = "", ...more] = token.split(".");
  const algorithm = algorithms[key.asymmetricKeyType ?? ""];
  if (more.length > 0 || algorithm === undefined) return undefined;
  try {
    if (v.parse(headerSchema, decode(header)).alg !== algorithm.alg) return undefined;
    const signed = Buffer.from(`${header}.${payload}`);
    const { dsaEncoding = "der" } = algorithm;
    if (!verify("sha256", signed, { key, dsaEncoding }, Buffer.from(signature, "base64url"))) return undefined;
    return v.parse(claimsSchema, decode(payload));
  } catch {
    return undefined;
  }
}

function judge(claims: Claims, { issuer, audience }: LocalTokensOptions, now: number): Authentication {
  const { iss, aud, exp, nbf = 0, "kubernetes.io": kubernetes } = claims;
  const isNow = now < exp * 1000 + clockSkewMs && now > nbf * 1000 - clockSkewMs;
  if (iss !== issuer || !isNow) return { ok: false, reason: "invalid-token" };
  if (![aud].flat().includes(audience)) return { ok: false, reason: "wrong-audience" };
  const { namespace, serviceaccount, pod } = kubernetes;
  if (pod === undefined) return { ok: false, reason: "not-bound-to-a-pod" };
  return { ok: true, identity: { namespace, serviceAccount: serviceaccount.name, pod } };
}

export function localTokens(options: LocalTokensOptions): Authenticator {
  const key = createPublicKey(options.publicKey);
  return async (token) => {
    const claims = claimsOf(token, key);
    if (claims === undefined) return { ok: false, reason: "invalid-token" };
    return judge(claims, options, options.now?.() ?? Date.now());
  };
}
