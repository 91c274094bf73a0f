import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createAuthority } from "../../host/x509.ts";
import { type AuthorityMaterial, newMeshRoot } from "./authority-files.ts";
import { readAuthority } from "./read-authority.ts";

const place = "Secret outrigger-system/cacerts";
const trustDomain = "cluster.local";
const dayMs = 24 * 3_600_000;
const read = (material: AuthorityMaterial, now = new Date()) => readAuthority(material, { place, trustDomain, now });
const skip = spawnSync("openssl", ["version"]).error === undefined ? false : "openssl is not installed";

/** What a certificate is made by. */
interface Recipe {
  readonly key?: "ec" | "rsa" | "rsa1024" | "ec521";
  readonly extensions?: string;
  readonly days?: number;
}

const keyFlags = {
  ec: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
  ec521: ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
  rsa: ["rsa:2048"],
  rsa1024: ["rsa:1024"],
} as const;

const authorityExtensions =
  "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n";

describe("an authority of the user's, made by openssl", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-authority-"));
  const file = (name: string) => join(folder, name);
  const text = (name: string) => readFileSync(file(name), "utf8");
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  after(() => rmSync(folder, { recursive: true }));

  /** NAME.pem and NAME.key, signed by the issuer of that name or by itself. */
  function make(name: string, issuer: string | undefined, recipe: Recipe = {}): void {
    const { key = "ec", extensions = authorityExtensions, days = 30 } = recipe;
    const subject = ["-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`];
    openssl("req", "-new", "-nodes", "-newkey", ...keyFlags[key], ...subject);
    writeFileSync(file(`${name}.ext`), extensions);
    const signed =
      issuer === undefined ? ["-signkey", `${name}.key`] : ["-CA", `${issuer}.pem`, "-CAkey", `${issuer}.key`];
    const time = ["-days", String(days)];
    openssl("x509", "-req", "-in", `${name}.csr`, ...signed, "-extfile", `${name}.ext`, ...time, "-out", `${name}.pem`);
  }

  const material = (own: string, chain: readonly string[], changes: Partial<AuthorityMaterial> = {}) => ({
    certificate: text(`${own}.pem`),
    privateKey: text(`${own}.key`),
    chain: chain.map((name) => text(`${name}.pem`)).join(""),
    roots: text("root.pem"),
    ...changes,
  });

  before(() => {
    make("root", undefined, { key: "rsa", days: 60 });
    make("between", "root", { key: "rsa" });
  });

  for (const key of ["ec", "rsa"] as const) {
    it(`signs with an intermediate of ${key}, and sends the chain`, async () => {
      make(`own-${key}`, "between", { key });
      const { chain, roots, signer } = await read(material(`own-${key}`, [`own-${key}`, "between", "root"]));
      assert.equal(chain, `${text(`own-${key}.pem`)}${text("between.pem")}`, "the chain ends before the root");
      assert.equal(roots, text("root.pem"));
      assert.equal(signer.pem.privateKey, text(`own-${key}.key`));
    });
  }

  it("ends with the first certificate that those it signs need", async () => {
    make("long", "between", { days: 300 });
    const { signer } = await read(material("long", ["between"]));
    assert.deepEqual(signer.notAfter, new X509Certificate(text("between.pem")).validToDate);
  });

  const refused: readonly {
    readonly what: string;
    readonly own: string;
    readonly issuer?: string;
    readonly recipe?: Recipe;
    readonly chain?: readonly string[];
    readonly changes?: () => Partial<AuthorityMaterial>;
    readonly now?: Date;
    readonly says: RegExp;
  }[] = [
    {
      what: "another's key",
      own: "other-key",
      changes: () => ({ privateKey: text("between.key") }),
      says: /cacerts ca-cert.pem with ca-key.pem holds no usable certificate authority: the private key is not the certificate's; give/,
    },
    {
      what: "no key",
      own: "no-key",
      changes: () => ({ privateKey: "" }),
      says: /cacerts ca-key.pem is missing or empty; give ca-cert.pem and ca-key.pem, both as PEM/,
    },
    {
      what: "a key in pieces",
      own: "cut-key",
      changes: () => ({ privateKey: text("cut-key.key").slice(0, 90) }),
      says: /ca-key.pem holds no usable certificate authority/,
    },
    {
      what: "a key that is too short",
      own: "short",
      recipe: { key: "rsa1024" },
      says: /neither ECDSA on P-256 or P-384 nor RSA of 2048 bits/,
    },
    {
      what: "a key on another curve",
      own: "curve",
      recipe: { key: "ec521" },
      says: /neither ECDSA on P-256 or P-384 nor RSA/,
    },
    {
      what: "one that has ended",
      own: "ended",
      recipe: { days: 1 },
      now: new Date(Date.now() + 2 * dayMs),
      says: /cacerts ca-cert.pem "CN=ended" ended at [0-9TZ.:-]{24}; give one that is valid now, or look at this machine's clock/,
    },
    {
      what: "one that is not valid yet",
      own: "early",
      now: new Date(Date.now() - 2 * dayMs),
      says: /ca-cert.pem "CN=early" is not valid before [0-9TZ.:-]{24}; give one/,
    },
    {
      what: "one that is no authority's",
      own: "no-authority",
      recipe: { extensions: "basicConstraints=critical,CA:FALSE\n" },
      says: /the certificate is not an authority's/,
    },
    {
      what: "one that may not sign certificates",
      own: "no-sign",
      recipe: { extensions: "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature\n" },
      says: /ca-cert.pem may not sign certificates, or one above it may not; give each of them/,
    },
    {
      what: "one below an authority that allows none",
      own: "too-deep",
      issuer: "flat",
      chain: ["flat"],
      says: /ca-cert.pem is below an authority whose path length allows no other below it; have it signed/,
    },
    {
      what: "one for another purpose",
      own: "purpose",
      recipe: { extensions: `${authorityExtensions}extendedKeyUsage=codeSigning\n` },
      says: /ca-cert.pem is limited to other purposes/,
    },
    {
      what: "a chain with a gap",
      own: "gap",
      chain: [],
      says: /ca-cert.pem leads to no certificate in root-cert.pem; put the certificates between/,
    },
    {
      what: "no roots",
      own: "no-roots",
      changes: () => ({ roots: "" }),
      says: /cacerts root-cert.pem holds no certificate; give every root/,
    },
    {
      what: "a chain that cannot be read",
      own: "bad-chain",
      changes: () => ({ chain: text("between.pem").replace(/\n[A-Za-z0-9+/]{9}/, "\n") }),
      says: /cacerts cert-chain.pem holds a certificate that cannot be read/,
    },
    {
      what: "one for another trust domain, by its name",
      own: "elsewhere",
      recipe: { extensions: `${authorityExtensions}subjectAltName=URI:spiffe://example.org\n` },
      says: /ca-cert.pem is for the trust domain example.org, not cluster.local; .*--trust-domain example.org/,
    },
    {
      what: "one for another trust domain, by its constraints",
      own: "constrained",
      recipe: { extensions: `${authorityExtensions}nameConstraints=critical,permitted;URI:example.org\n` },
      says: /ca-cert.pem may not sign identities of this trust domain; have its name constraints permit/,
    },
  ];
  before(() => make("flat", "root", { extensions: authorityExtensions.replace("CA:TRUE", "CA:TRUE,pathlen:0") }));
  for (const { what, own, issuer = "between", recipe, chain = ["between"], changes, now, says } of refused) {
    it(`is refused when it is ${what}`, async () => {
      make(own, issuer, recipe);
      await assert.rejects(read(material(own, chain, changes?.()), now), ({ message }: Error) => {
        assert.match(message, /Secret outrigger-system\/cacerts/);
        assert.match(message, says);
        return true;
      });
    });
  }
});

describe("an authority of our own", () => {
  it("is a root and sends no chain", async () => {
    const material = await newMeshRoot(trustDomain);
    const { chain, roots } = await read(material);
    assert.deepEqual([chain, roots], ["", material.certificate]);
  });
  it("trusts another root beside it, that has ended as well", async () => {
    const material = await newMeshRoot(trustDomain);
    const other = await createAuthority({ commonName: "x", lifetimeMs: 1000, now: new Date("2026-01-01") });
    const roots = `${material.roots}${other.pem.certificate}`;
    assert.equal((await read({ ...material, roots })).roots, roots);
  });
});
