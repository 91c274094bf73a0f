import type { Logger } from "pino";
import { type IssuedCertificate, issueServingCertificate } from "../../host/x509.ts";
import type { SubjectNames } from "../../host/x509-names.ts";
import type { AuthoritySource } from "./authority-source.ts";
import type { MeshAuthority } from "./mesh-authority.ts";
import { createServingCertificate, type ServingCertificate } from "./serving-certificate.ts";

export interface ServingOptions {
  /** Names and addresses that proxies reach discovery by. */
  readonly servingNames: Pick<SubjectNames, "dns" | "ip">;
  readonly authority: AuthoritySource;
  /** Tells the webhook by which roots new Pods are to know discovery. */
  readonly publishRoots: (roots: string) => Promise<void>;
}

/** What discovery shows to proxies: signed anew before it ends, and when what signs it is replaced. */
export interface Serving {
  readonly certificate: ServingCertificate;
  /** What signs it now. */
  readonly authority: () => MeshAuthority;
  /** The mesh's authority was replaced, which signs for discovery as well where that has no root of its own. */
  replaceMeshAuthority(authority: MeshAuthority): Promise<void>;
  close(): void;
}

const lifetimeMs = 7 * 24 * 3_600_000;
const retryMs = 30_000;
/** What somebody has changed in what is published is put right within this time. */
const publishAgainMs = 60_000;

async function sign(
  { signer, chain }: MeshAuthority,
  names: ServingOptions["servingNames"],
): Promise<IssuedCertificate> {
  const issued = await issueServingCertificate(signer, { names, lifetimeMs });
  return { ...issued, certificate: `${issued.certificate}${chain}` };
}

/**
 * Signs discovery's certificate, publishes the roots, and keeps both up from then on.
 * @throws what the Kubernetes client throws when the roots cannot be published
 */
export async function keepServing(options: ServingOptions, log: Logger): Promise<Serving> {
  const { servingNames, authority: source, publishRoots } = options;
  let current = (source.serving ?? source).authority;
  await publishRoots(current.roots);
  let shown = await sign(current, servingNames);
  const certificate = createServingCertificate(shown);
  let timer: NodeJS.Timeout | undefined;
  const failed = (what: string) => (error: unknown) => log.error({ error: (error as Error).message }, what);
  const publish = () => publishRoots(current.roots).catch(failed("roots not published, trying again"));

  async function renew(): Promise<void> {
    shown = await sign(current, servingNames);
    certificate.replace(shown);
  }

  function schedule(): void {
    clearTimeout(timer);
    const delay = Math.max(retryMs, (shown.notAfter.getTime() - Date.now()) / 2);
    timer = setTimeout(() => {
      renew().catch(failed("discovery's certificate not renewed, trying again")).finally(schedule);
    }, delay).unref();
  }

  /** New Pods first: the old ones believe either. */
  async function replace(next: MeshAuthority): Promise<void> {
    current = next;
    await publish();
    await renew();
    schedule();
    log.info({ notAfter: next.signer.notAfter }, "discovery's root replaced");
  }

  source.serving?.follow(
    (next) => void replace(next).catch(failed("discovery's root not replaced")),
    failed("discovery's root not usable, keeping the old one"),
  );
  const publishing = setInterval(publish, publishAgainMs).unref();
  schedule();
  return {
    certificate,
    authority: () => current,
    async replaceMeshAuthority(next) {
      if (source.serving === undefined) await replace(next);
    },
    close() {
      clearTimeout(timer);
      clearInterval(publishing);
      source.serving?.close();
    },
  };
}
