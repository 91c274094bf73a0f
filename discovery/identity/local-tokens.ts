import { createPublicKey, type KeyObject, verify } from "node:crypto";
import * as v from "valibot";
import type { Authentication, Authenticator } from "./authentication.ts";
import { type Claims, claimsIn, decodePart, faultOf } from "./token-claims.ts";

/**
 * Service-account tokens checked against the issuer's public key, without asking an API server: for the sandbox, and for
 * clusters in which discovery may read the issuer's keys.
 */
export interface LocalTokensOptions {
  /** PEM of the issuer's ECDSA P-256 or RSA public key. */
  readonly publicKey: string;
  readonly issuer: string;
  readonly audience: string;
  /** Milliseconds since 1970; now, unless given. */
  readonly now?: () => number;
}

const headerSchema = v.object({ alg: v.picklist(["ES256", "RS256"]) });

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
    if (v.parse(headerSchema, decodePart(header)).alg !== algorithm.alg) return undefined;
    const signed = Buffer.from(`${header}.${payload}`);
    const { dsaEncoding = "der" } = algorithm;
    if (!verify("sha256", signed, { key, dsaEncoding }, Buffer.from(signature, "base64url"))) return undefined;
    return claimsIn(token);
  } catch {
    return undefined;
  }
}

function judge(claims: Claims, { issuer, audience }: LocalTokensOptions, now: number): Authentication {
  if (claims.iss !== issuer) return { ok: false, reason: "invalid-token" };
  const reason = faultOf(claims, audience, now);
  if (reason !== undefined) return { ok: false, reason };
  const { namespace, serviceaccount, pod } = claims["kubernetes.io"];
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
