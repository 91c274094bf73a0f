import { generateKeyPairSync, sign } from "node:crypto";
import type { TokenRequest } from "./files.ts";

const issuer = "https://kubernetes.default.svc.cluster.local";

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/**
 * Makes tokens in the form of an API server's ServiceAccount tokens, signed by a key that lives as long as the sandbox.
 * There is no API server here to ask whether one is good.
 */
export function createTokenIssuer(now: () => number): (request: TokenRequest) => string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return ({ namespace, serviceAccount, pod, audience = issuer, lifetimeSeconds }) => {
    const issuedAt = Math.floor(now() / 1000);
    const claims = {
      iss: issuer,
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
}
