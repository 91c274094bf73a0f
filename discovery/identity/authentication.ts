/** Who a client is, by the token that its Pod has from Kubernetes. */
export interface ProxyIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** The Pod that the token is bound to. A token that is bound to none is not taken. */
  readonly pod: { readonly name: string; readonly uid: string };
}

/** Why a token is not taken. `unavailable`: it could not be checked; the client should come again. */
export type Refusal = "no-token" | "invalid-token" | "wrong-audience" | "not-bound-to-a-pod" | "unavailable";

export type Authentication =
  | { readonly ok: true; readonly identity: ProxyIdentity }
  | { readonly ok: false; readonly reason: Refusal; readonly detail?: string };

/** Checks a bearer token. It never throws, and answers within its own time limit. */
export type Authenticator = (token: string) => Promise<Authentication>;

/** Longer ones are nobody's token. */
const maxTokenLength = 16_384;

/** The token of an `authorization` header. */
export function bearerToken(header: string | undefined): string | undefined {
  const match = header === undefined ? null : /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(header);
  const token = match?.[1];
  return token === undefined || token.length > maxTokenLength ? undefined : token;
}

const userName = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** The namespace and name in `system:serviceaccount:NAMESPACE:NAME`. */
export function parseUserName(text: string): { namespace: string; serviceAccount: string } | undefined {
  const [, namespace, serviceAccount] = userName.exec(text) ?? [];
  return namespace === undefined || serviceAccount === undefined ? undefined : { namespace, serviceAccount };
}
