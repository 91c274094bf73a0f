/** One entry of an image's file system. Everything belongs to root and has the same time, so equal input gives equal bytes. */
export type ImageFile =
  | { readonly path: string; readonly content: string | Buffer; readonly mode?: number }
  | { readonly path: string; readonly copyOf: string; readonly mode?: number }
  | { readonly path: string; readonly linkTo: string }
  | { readonly path: string; readonly directoryMode: number };

/** A layer: files that change together. Layers with the same files have the same digest, so images share them. */
export type Layer = readonly ImageFile[];

/** How a container of the image starts. Names as in the OCI image configuration. */
export interface Image {
  /** Repository without a tag, such as `outrigger/init`. */
  readonly repository: string;
  readonly tag: string;
  readonly layers: readonly Layer[];
  readonly entrypoint: readonly string[];
  readonly arguments?: readonly string[];
  /** `uid:gid`; root when absent. */
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** `outrigger/init:0.1.0` */
export function reference({ repository, tag }: Pick<Image, "repository" | "tag">): string {
  return `${repository}:${tag}`;
}
