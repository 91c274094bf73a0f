/** What one attempt of a probe or a lifecycle hook gave. */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly message: string };

export const success: Outcome = { ok: true };

export function failure(message: string): Outcome {
  return { ok: false, message };
}
