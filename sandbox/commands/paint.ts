type Stream = { readonly isTTY?: boolean };

export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly strong: (text: string) => string;
}

/** Colours for a terminal; none anywhere else, or with NO_COLOR (https://no-color.org). */
export function paintFor(stream: Stream, environment: NodeJS.ProcessEnv = process.env): Paint {
  const isColoured = stream.isTTY === true && (environment.NO_COLOR ?? "") === "";
  const style = (code: number) => (text: string) => (isColoured ? `\x1b[${code}m${text}\x1b[0m` : text);
  return { good: style(32), bad: style(31), faint: style(2), strong: style(1) };
}
