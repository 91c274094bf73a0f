import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect, createServer } from "node:tls";
import { OutriggerError } from "../mesh/errors.ts";
import { createAuthority, issueCertificate, issueServingCertificate, loadAuthority } from "./x509.ts";

const hourMs = 3_600_000;
const names = { dns: ["webhook.outrigger-system.svc", "localhost"], ip: ["127.0.0.1", "::1"] };

test("an authority is one: critical constraints, path length 0, signing only", async () => {
  const { pem } = await createAuthority({ commonName: "test CA", lifetimeMs: hourMs });
  const certificate = new X509Certificate(pem.certificate);
  assert.equal(certificate.ca, true);
  assert.equal(certificate.subject, "CN=test CA");
  assert.ok(certificate.verify(certificate.publicKey));
});

test("a served certificate is accepted by its names and its authority, and by no other", async (t) => {
  const authority = await createAuthority({ commonName: "test CA", lifetimeMs: hourMs });
  const other = await createAuthority({ commonName: "test CA", lifetimeMs: hourMs });
  const leaf = await issueServingCertificate(authority, { names, lifetimeMs: hourMs / 2 });
  const server = createServer({ cert: leaf.certificate, key: leaf.privateKey }, (socket) => socket.end());
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const handshake = (ca: string, servername?: string) =>
    new Promise<string>((done) => {
      const socket = connect({ host: "127.0.0.1", port, ca, ...(servername && { servername }) });
      socket.once("secureConnect", () => done("accepted"));
      socket.once("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
      socket.once("close", () => socket.destroy());
    });
  assert.equal(await handshake(authority.pem.certificate), "accepted");
  assert.equal(await handshake(authority.pem.certificate, "webhook.outrigger-system.svc"), "accepted");
  assert.equal(await handshake(authority.pem.certificate, "elsewhere.svc"), "ERR_TLS_CERT_ALTNAME_INVALID");
  assert.notEqual(await handshake(other.pem.certificate), "accepted");
});

const noOpenssl = spawnSync("openssl", ["version"]).error === undefined ? false : "openssl is not installed";

test("openssl accepts chain, names and purpose", { skip: noOpenssl }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-x509-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const authority = await createAuthority({ commonName: "test CA", lifetimeMs: hourMs });
  const leaf = await issueCertificate(authority, {
    names: { ...names, uri: ["spiffe://cluster.local/ns/shop/sa/cart"] },
    lifetimeMs: hourMs,
    usages: ["server", "client"],
  });
  writeFileSync(join(folder, "ca.pem"), authority.pem.certificate);
  writeFileSync(join(folder, "leaf.pem"), leaf.certificate);
  const verify = ["verify", "-x509_strict", "-CAfile", join(folder, "ca.pem"), "-purpose", "sslserver"];
  const output = execFileSync("openssl", [...verify, "-verify_ip", "::1", join(folder, "leaf.pem")]).toString();
  assert.match(output, /leaf.pem: OK/);
  assert.match(new X509Certificate(leaf.certificate).subjectAltName ?? "", /URI:spiffe:\/\/cluster.local\/ns\/shop/);
});

test("a certificate never outlives its authority, and is valid on nodes whose clock is behind", async () => {
  const now = new Date("2026-01-01T00:00:00Z");
  const authority = await createAuthority({ commonName: "test CA", lifetimeMs: hourMs, now });
  const leaf = await issueServingCertificate(authority, { names, lifetimeMs: 5 * hourMs, now });
  assert.equal(leaf.notAfter.toISOString(), "2026-01-01T01:00:00.000Z");
  assert.equal(leaf.notBefore.toISOString(), "2025-12-31T23:55:00.000Z");
});

test("an authority read back from PEM signs as before", async () => {
  const authority = await createAuthority({ commonName: "test CA", lifetimeMs: hourMs });
  const loaded = await loadAuthority(authority.pem, "Secret a/b");
  const leaf = new X509Certificate((await issueServingCertificate(loaded, { names, lifetimeMs: hourMs })).certificate);
  assert.ok(leaf.verify(new X509Certificate(authority.pem.certificate).publicKey));
  assert.equal(loaded.notAfter.getTime(), authority.notAfter.getTime());
});

test("what is no authority is refused with its source and the reason", async () => {
  const authority = await createAuthority({ commonName: "test CA", lifetimeMs: hourMs });
  const other = await createAuthority({ commonName: "test CA", lifetimeMs: hourMs });
  const leaf = await issueServingCertificate(authority, { names, lifetimeMs: hourMs });
  const refused = (pem: { certificate: string; privateKey: string }, reason: RegExp) =>
    assert.rejects(loadAuthority(pem, "Secret a/b"), (error: unknown) => {
      assert.ok(error instanceof OutriggerError);
      assert.match(error.message, /Secret a\/b holds no usable certificate authority/);
      assert.match(error.message, reason);
      return true;
    });
  await refused({ certificate: "", privateKey: "" }, /authority: ./);
  await refused({ certificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", privateKey: "x" }, /./);
  await refused(leaf, /not an authority's/);
  await refused({ ...authority.pem, privateKey: other.pem.privateKey }, /not the certificate's/);
  await refused({ ...authority.pem, privateKey: "nonsense" }, /./);
});

test("an IP name that is no address is refused", async () => {
  const authority = await createAuthority({ commonName: "test CA", lifetimeMs: hourMs });
  const bad = { names: { ip: ["localhost"] }, lifetimeMs: hourMs };
  await assert.rejects(issueServingCertificate(authority, bad), /"localhost" is not an IP address/);
});

for (const { name, args } of [
  { name: "RSA, in OpenSSL's old form", args: ["genrsa", "-traditional", "2048"] },
  { name: "RSA, PKCS#8", args: ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"] },
  { name: "ECDSA on P-384", args: ["ecparam", "-name", "secp384r1", "-genkey", "-noout"] },
]) {
  test(`a user's authority may be ${name}`, { skip: noOpenssl }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-x509-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = (path: string) => join(folder, path);
    const privateKey = execFileSync("openssl", args, { stdio: ["ignore", "pipe", "ignore"] }).toString();
    writeFileSync(file("ca.key"), privateKey);
    const request = ["req", "-x509", "-key", file("ca.key"), "-subj", "/CN=user's root", "-days", "1"];
    execFileSync("openssl", [...request, "-addext", "keyUsage=critical,keyCertSign", "-out", file("ca.pem")]);
    const certificate = execFileSync("cat", [file("ca.pem")]).toString();
    const authority = await loadAuthority({ certificate, privateKey }, "the test");
    for (const keyAlgorithm of ["ecdsa", "rsa"] as const) {
      const leaf = await issueCertificate(authority, { names, lifetimeMs: hourMs, usages: ["server"], keyAlgorithm });
      writeFileSync(file("leaf.pem"), leaf.certificate);
      const output = execFileSync("openssl", ["verify", "-x509_strict", "-CAfile", file("ca.pem"), file("leaf.pem")]);
      assert.match(output.toString(), /leaf.pem: OK/);
      assert.equal(
        new X509Certificate(leaf.certificate).publicKey.asymmetricKeyType,
        { ecdsa: "ec", rsa: "rsa" }[keyAlgorithm],
      );
    }
  });
}

test("a short RSA key, and an authority that is none of its key's, are refused", { skip: noOpenssl }, async () => {
  const { pem } = await createAuthority({ commonName: "test CA", lifetimeMs: hourMs });
  const privateKey = execFileSync("openssl", ["genrsa", "1024"], { stdio: ["ignore", "pipe", "ignore"] }).toString();
  await assert.rejects(loadAuthority({ certificate: pem.certificate, privateKey }, "the test"), /2048 bits/);
});
