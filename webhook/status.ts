/**
 * A refusal in the form that Kubernetes clients know, so that its message reaches the person who created the Pod.
 * Shape: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
 */
export interface Status {
  readonly apiVersion: "v1";
  readonly kind: "Status";
  readonly status: "Failure";
  readonly reason: string;
  readonly message: string;
  readonly code: number;
}

const reasons: Readonly<Record<number, string>> = {
  400: "BadRequest",
  404: "NotFound",
  405: "MethodNotAllowed",
  408: "Timeout",
  413: "RequestEntityTooLarge",
  415: "UnsupportedMediaType",
  429: "TooManyRequests",
  431: "RequestHeaderFieldsTooLarge",
  500: "InternalError",
  503: "ServiceUnavailable",
};

export function statusOf(code: number, message: string): Status {
  return { apiVersion: "v1", kind: "Status", status: "Failure", reason: reasons[code] ?? "Unknown", message, code };
}
