/**
 * Kubernetes quantities: a number with a suffix, such as `100m`, `1Gi`, `2`.
 * Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
const multipliers: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that a quantity stands for; undefined when it is none. */
export function quantityValue(quantity: string | number): number | undefined {
  const match = /^([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)([numkMGTPE]i?|Ki)?$/.exec(String(quantity));
  if (match === null) return undefined;
  const multiplier = multipliers[match[2] ?? ""];
  return multiplier === undefined ? undefined : Number(match[1]) * multiplier;
}

/** A quantity in units of `divisor`, rounded up, as resourceFieldRef gives it. */
export function divideQuantity(quantity: string | number, divisor: string | number): string | undefined {
  const value = quantityValue(quantity);
  const unit = quantityValue(divisor);
  if (value === undefined || unit === undefined || unit <= 0) return undefined;
  return String(Math.ceil(Number((value / unit).toPrecision(12))));
}
