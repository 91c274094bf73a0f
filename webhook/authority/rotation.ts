import { X509Certificate } from "node:crypto";
import { type Authority, createAuthority, issueTime } from "../../host/x509.ts";
import type { Authorities } from "./secret-data.ts";

/** How long things hold. An authority is renewed after two thirds of its life. */
export interface RotationPeriods {
  readonly authorityLifetimeMs: number;
  /**
   * How long a new authority is trusted before it signs: time for every replica to put it into the registrations, and
   * for every API server to read them.
   */
  readonly overlapMs: number;
}

/**
 * What is to be done with the authorities:
 * - `create`: there is none yet;
 * - `announce`: the current one ages, so make the next one, and have it trusted beside it;
 * - `promote`: the next one has been trusted long enough, so let it sign; the former one stays trusted;
 * - `forget`: a former one has expired.
 */
export type RotationStep = "create" | "announce" | "promote" | "forget";

/** The moment after which a certificate is renewed. */
export function renewalTime(certificate: { readonly notBefore: Date; readonly notAfter: Date }): Date {
  const issued = issueTime(certificate).getTime();
  return new Date(issued + ((certificate.notAfter.getTime() - issued) * 2) / 3);
}

function expired(pem: string, now: Date): boolean {
  return new X509Certificate(pem).validToDate <= now;
}

/** When a next authority may sign. It was announced when it was made. */
function promotionTime(next: Authority, { overlapMs }: RotationPeriods): Date {
  return new Date(issueTime(next).getTime() + overlapMs);
}

/** The next step that is due, if one is. */
export function dueStep(known: Authorities | undefined, now: Date, periods: RotationPeriods): RotationStep | undefined {
  if (known === undefined || known.current.notAfter <= now) return "create";
  const { current, next, trusted } = known;
  if (next === undefined && now >= renewalTime(current)) return "announce";
  if (next !== undefined && now >= promotionTime(next, periods)) return "promote";
  return trusted.some((pem) => expired(pem, now)) ? "forget" : undefined;
}

/** When to look again if nothing changes before. */
export function nextStepTime({ current, next }: Authorities, periods: RotationPeriods): Date {
  return next === undefined ? renewalTime(current) : promotionTime(next, periods);
}

async function newAuthority(now: Date, { authorityLifetimeMs }: RotationPeriods): Promise<Authority> {
  // The day in the name tells the two of an overlap apart for people.
  const commonName = `outrigger webhook authority ${now.toISOString().slice(0, 10)}`;
  return await createAuthority({ commonName, lifetimeMs: authorityLifetimeMs, now });
}

/** Carries a step out, and gives the authorities that are to be stored. */
export async function takeStep(
  step: RotationStep,
  known: Authorities | undefined,
  now: Date,
  periods: RotationPeriods,
): Promise<Authorities> {
  const kept = (known?.trusted ?? []).filter((pem) => !expired(pem, now));
  if (step === "create" || known === undefined) {
    const current = await newAuthority(now, periods);
    return { current, trusted: [...kept, current.pem.certificate] };
  }
  const { current } = known;
  if (step === "announce") {
    const next = await newAuthority(now, periods);
    return { current, next, trusted: [...kept, next.pem.certificate] };
  }
  if (step === "promote" && known.next !== undefined) return { current: known.next, trusted: kept };
  return { ...known, trusted: kept };
}
