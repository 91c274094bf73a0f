import * as v from "valibot";
import type { Refusal } from "./authentication.ts";

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

/**
 * The claims of a token that is bound to a Pod. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
 */
export type Claims = v.InferOutput<typeof claimsSchema>;

/** Clocks of a node and of the issuer may differ by this much. */
const clockSkewMs = 30_000;

/** A part of a token that is JSON. Throws when it is not. */
export function decodePart(part: string): unknown {
  return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
}

/** What a token says of itself, whoever signed it; undefined when it says nothing of the kind. */
export function claimsIn(token: string): Claims | undefined {
  const [, payload = "", , ...more] = token.split(".");
  if (more.length > 0) return undefined;
  try {
    return v.parse(claimsSchema, decodePart(payload));
  } catch {
    return undefined;
  }
}

/** What makes a token useless by its own words: nobody needs to look at its signature then. */
export function faultOf(claims: Claims | undefined, audience: string, now: number): Refusal | undefined {
  if (claims === undefined) return "invalid-token";
  const { aud, exp, nbf = 0, "kubernetes.io": kubernetes } = claims;
  if (now >= exp * 1000 + clockSkewMs || now <= nbf * 1000 - clockSkewMs) return "invalid-token";
  if (![aud].flat().includes(audience)) return "wrong-audience";
  return kubernetes.pod === undefined ? "not-bound-to-a-pod" : undefined;
}
