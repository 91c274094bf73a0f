const earliest = 0.45;
const latest = 0.55;

/**
 * After which part of its life a certificate is renewed: at different times, and with half of it left to find out what is
 * wrong.
 */
export function renewalPart(): number {
  return earliest + Math.random() * (latest - earliest);
}
