import { hash } from "node:crypto";

/** A review by what it says, apart from what is new in each one. */
export interface ReviewKey {
  readonly uid: string;
  /** The same for two reviews on one path whose texts differ in what is new alone. It cannot be read back. */
  readonly key: string;
  /** What is new in this one, besides the uid: an answer in which one of these stands is for this review alone. */
  readonly fresh: readonly string[];
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function textOf(body: Buffer, { start, end }: Range): string {
  return body.toString("latin1", start, end);
}

/** Longer reviews are rare, and have no key. */
const longestBody = 64 * 1024;
const longestPath = 1024;

/** The uid stands where the API server writes it: first in the request. */
const head = /^\s*\{\s*"\w+":\s*"[\w./]+",\s*"\w+":\s*"[\w./]+",\s*"request":\s*\{\s*"uid":\s*"([\w-]{1,64})"/;
const longestHead = 256;

function uidRange(body: Buffer): Range | undefined {
  const found = head.exec(textOf(body, { start: 0, end: longestHead }));
  if (found?.[1] === undefined) return undefined;
  const end = found[0].length - 1;
  return { start: end - found[1].length, end };
}

/** The volume with the service account's token, which the API server names anew for each Pod: `kube-api-access-x7k2p`. */
const tokenVolume = Buffer.from("kube-api-access-");
const suffix = /^[a-z0-9]{5}"$/;
const suffixLength = 5;

/** Where the volume's suffix stands; nowhere, if the Pod names two such volumes: they must not be taken for one. */
function suffixRanges(body: Buffer): Range[] {
  const ranges: Range[] = [];
  let first: string | undefined;
  for (let at = body.indexOf(tokenVolume); at >= 0; at = body.indexOf(tokenVolume, at + tokenVolume.length)) {
    const start = at + tokenVolume.length;
    const text = textOf(body, { start, end: start + suffixLength + 1 });
    first ??= text;
    if (text !== first || !suffix.test(text)) return [];
    ranges.push({ start, end: start + suffixLength });
  }
  return ranges;
}

/** When a manager last set fields of the Pod, as the API server writes it. Injection looks at none of it. */
const afterTime = Buffer.from('Z","fieldsType":"FieldsV1"');
const time = /^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/;
const timeLength = "2026-01-01T00:00:00".length;

function timeRanges(body: Buffer): Range[] {
  const ranges: Range[] = [];
  for (let end = body.indexOf(afterTime); end >= 0; end = body.indexOf(afterTime, end + afterTime.length)) {
    const start = end - timeLength;
    if (start > 0 && time.test(textOf(body, { start: start - 1, end }))) ranges.push({ start, end });
  }
  return ranges;
}

/** A byte that no UTF-8 text holds stands for what is new. */
const blank = 0xff;

const scratch = Buffer.allocUnsafeSlow(3 * longestPath + longestBody + 1);

/**
 * The key of a review, out of its text alone: Pods of one template come with texts that differ in the review's uid, in
 * the name of the service account's volume, and in the time of their creation. Undefined for a text that is written
 * otherwise than the API server does.
 */
export function reviewKey(body: Buffer, path: string): ReviewKey | undefined {
  if (body.length > longestBody || path.length > longestPath || body.includes(blank)) return undefined;
  const uid = uidRange(body);
  if (uid === undefined) return undefined;
  const [suffixes, times] = [suffixRanges(body), timeRanges(body)];
  const start = scratch.write(path);
  scratch[start] = blank;
  body.copy(scratch, start + 1);
  const text = scratch.subarray(start + 1, start + 1 + body.length);
  for (const range of [uid, ...suffixes, ...times]) text.fill(blank, range.start, range.end);
  return {
    uid: textOf(body, uid),
    key: hash("sha256", scratch.subarray(0, start + 1 + body.length), "base64"),
    fresh: [
      ...suffixes.slice(0, 1).map((range) => `${tokenVolume}${textOf(body, range)}`),
      ...times.map((range) => textOf(body, range)),
    ],
  };
}
