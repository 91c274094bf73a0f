import { generateKeyPairSync, sign } from "node:crypto";
import type { TokenRequest } from "./files.ts";

/** Who the tokens say that they are from. */
export const tokenIssuer = "https://kubernetes.default.svc.cluster.local";

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

export interface TokenIssuer {
  readonly issue: (request: TokenRequest) => string;
  /** PEM, for those who check tokens. */
  readonly publicKey: string;
}

/**
 * Makes tokens in the form of an API server's ServiceAccount tokens, signed by a key that lives as long as the sandbox.
 * There is no API server here to ask whether one is good: who checks one has the public key.
 */
export function createTokenIssuer(now: () => number): TokenIssuer {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issue: TokenIssuer["issue"] = ({ namespace, serviceAccount, pod, audience = tokenIssuer, lifetimeSeconds }) => {
    const issuedAt = Math.floor(now() / 1000);
    const claims = {
      iss: tokenIssuer,
      sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
      aud: [audience],
      iat: issuedAt,
      nbf: issuedAt,
      exp: issuedAt + lifetimeSeconds,
      "kubernetes.io": { namespace, serviceaccount: { name: serviceAccount }, pod },
    };
    const signed = `${part({ alg: "ES256", typ: "JWT", kid: "outrigger-sandbox" })}.${part(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
    return `${signed}.${signature.toString("base64url")}`;
  };
  return { issue, publicKey: publicKey.export({ type: "spki", format: "pem" }).toString() };
}
