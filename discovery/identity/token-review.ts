import type { AuthenticationV1Api, V1TokenReviewStatus } from "@kubernetes/client-node";
import { withinTimeLimit } from "../../kubernetes/time-limit.ts";
import { type Authentication, type Authenticator, parseUserName } from "./authentication.ts";
import { claimsIn, faultOf } from "./token-claims.ts";

/** The part of the Kubernetes client that reviews tokens. */
export type TokenReviews = Pick<AuthenticationV1Api, "createTokenReview">;

const podNameKey = "authentication.kubernetes.io/pod-name";
const podUidKey = "authentication.kubernetes.io/pod-uid";

/**
 * What the API server says of a token: it knows whether the Pod, the ServiceAccount and the token itself are still there.
 * Source: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
 */
export function judgeReview(review: V1TokenReviewStatus | undefined, audience: string): Authentication {
  if (review?.authenticated !== true) return { ok: false, reason: "invalid-token", detail: review?.error ?? "" };
  if (!(review.audiences ?? []).includes(audience)) return { ok: false, reason: "wrong-audience" };
  const name = parseUserName(review.user?.username ?? "");
  const [podName] = review.user?.extra?.[podNameKey] ?? [];
  const [podUid] = review.user?.extra?.[podUidKey] ?? [];
  if (name === undefined || podName === undefined || podUid === undefined) {
    return { ok: false, reason: "not-bound-to-a-pod" };
  }
  return { ok: true, identity: { ...name, pod: { name: podName, uid: podUid } } };
}

/** Asks the API server about each token that may be one by its own words. */
export function tokenReviewer(api: TokenReviews, audience: string): Authenticator {
  return async (token) => {
    const reason = faultOf(claimsIn(token), audience, Date.now());
    if (reason !== undefined) return { ok: false, reason };
    const body = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token, audiences: [audience] },
    };
    try {
      return judgeReview((await withinTimeLimit(api.createTokenReview({ body }))).status, audience);
    } catch (error) {
      return { ok: false, reason: "unavailable", detail: (error as Error).message };
    }
  };
}
