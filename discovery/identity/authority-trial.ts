import { duplexPair } from "node:stream";
import { connect, createServer } from "node:tls";
import { issueCertificate } from "../../host/x509.ts";
import { certifiedNames } from "../translate/peer-workload.ts";
import type { MeshAuthority } from "./mesh-authority.ts";

const minuteMs = 60_000;

/**
 * Signs a certificate for a name and has two ends of a connection inside this process look at it, as two workloads would:
 * whatever a chain can have wrong, the verifier finds it.
 * @returns what OpenSSL says, such as `path length constraint exceeded`; undefined when all is well
 */
export async function tryAuthority({ signer, chain, roots }: MeshAuthority, uri: string): Promise<string | undefined> {
  const leaf = await issueCertificate(signer, {
    names: certifiedNames(uri, "trial/trial/trial"),
    lifetimeMs: minuteMs,
    usages: ["server", "client"],
  });
  const shown = { cert: `${leaf.certificate}${chain}`, key: leaf.privateKey, ca: roots };
  const server = createServer({ ...shown, requestCert: true, rejectUnauthorized: false });
  const [near, far] = duplexPair();
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  // The client tells what it finds as an error; `authorizationError` is typed as one, and is a code.
  server.on("secureConnection", ({ authorized, authorizationError }) =>
    resolve(authorized ? undefined : String(authorizationError)),
  );
  server.on("tlsClientError", ({ message }) => resolve(message));
  server.emit("connection", far);
  const client = connect({ ...shown, socket: near, checkServerIdentity: () => undefined });
  client.on("error", ({ message }) => resolve(message));
  try {
    return await promise;
  } finally {
    client.destroy();
    far.destroy();
  }
}
