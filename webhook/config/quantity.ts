/**
 * Kubernetes resource quantities: `100m`, `1.5Gi`, `2e3`.
 * Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
const form = /^([+-]?)(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d{1,2})?$/;

const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
/** The decimal exponent of the first decimal suffix: amounts are counted in units of 10^-9. */
const smallest = -9;

/** Whether the text is a quantity. */
export function isQuantity(text: string): boolean {
  return text.length <= 64 && form.test(text);
}

/** The amount in units of 10^-9, rounded up, and how its exponent was written. */
function parse(text: string): { nano: bigint; suffix: string } | undefined {
  const [, sign, digits = "0", suffix = ""] = form.exec(text) ?? [];
  if (sign === undefined || text.length > 64) return undefined;
  const [whole = "0", decimals = ""] = digits.split(".");
  const binary = binarySuffixes.indexOf(suffix);
  const decimal = decimalSuffixes.indexOf(suffix) * 3 + smallest;
  const exponent = suffix === "" || binary > 0 ? 0 : /^[eE][+-]?\d/.test(suffix) ? Number(suffix.slice(1)) : decimal;
  const factor = binary > 0 ? 1024n ** BigInt(binary) : 1n;
  const power = exponent - smallest - decimals.length;
  const unscaled = BigInt(whole + decimals) * factor;
  const nano = power >= 0 ? unscaled * 10n ** BigInt(power) : ceilDivide(unscaled, 10n ** BigInt(-power));
  return { nano: sign === "-" ? -nano : nano, suffix };
}

function ceilDivide(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

function decimalForm(nano: bigint, asExponent: boolean): string {
  let [mantissa, index] = [nano, 0];
  while (mantissa % 1000n === 0n && index < decimalSuffixes.length - 1) {
    mantissa /= 1000n;
    index += 1;
  }
  if (!asExponent) return `${mantissa}${decimalSuffixes[index] ?? ""}`;
  const exponent = index * 3 + smallest;
  return exponent === 0 ? String(mantissa) : `${mantissa}e${exponent}`;
}

function binaryForm(bytes: bigint): string {
  let [mantissa, index] = [bytes, 0];
  while (mantissa % 1024n === 0n && index < binarySuffixes.length - 1) {
    mantissa /= 1024n;
    index += 1;
  }
  return `${mantissa}${binarySuffixes[index] ?? ""}`;
}

/** The quantity as Kubernetes prints it: `2000m` is `2`, `1024Mi` is `1Gi`. A text that is none comes back as it is. */
export function canonicalQuantity(text: string): string {
  const parsed = parse(text);
  if (parsed === undefined) return text;
  const { nano, suffix } = parsed;
  if (nano === 0n) return "0";
  const magnitude = nano < 0n ? -nano : nano;
  const sign = nano < 0n ? "-" : "";
  const asBytes = suffix.endsWith("i") && magnitude >= 1024n * 10n ** 9n;
  if (asBytes) return sign + binaryForm(ceilDivide(magnitude, 10n ** 9n));
  return sign + decimalForm(magnitude, /^[eE][+-]?\d/.test(suffix));
}
