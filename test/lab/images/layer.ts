import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'

/** One entry of a layer. `path` is relative, without `./`; a folder's has no slash at its end. */
export type LayerEntry = {
  readonly path: string
  /** Permission bits. @default 0o755 for folders and links, 0o644 for files */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
} & (
  | { readonly kind: 'folder' }
  | { readonly kind: 'file'; readonly content: string | Uint8Array }
  | { readonly kind: 'symlink' | 'hardlink'; readonly to: string }
)

/** A layer as a registry holds it. */
export interface Layer {
  readonly blob: Uint8Array
  /** Digest of the blob, compressed. */
  readonly digest: string
  /** Digest of the tar archive. */
  readonly diffId: string
}

/** One fixed time for every file, so that the same content always has the same digest. */
const modified = new Date('2024-01-01T00:00:00Z')

/** Make a gzip layer. The same entries give the same digest. */
export async function makeLayer(entries: readonly LayerEntry[]): Promise<Layer> {
  const archive = pack()
  for (const entry of entries) add(archive, entry)
  archive.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of archive) chunks.push(chunk as Uint8Array)
  return layerOfTar(Buffer.concat(chunks))
}

/** A gzip layer of a whole tar archive. */
export function layerOfTar(tar: Uint8Array): Layer {
  const blob = gzipSync(tar)
  return { blob, digest: digestOf(blob), diffId: digestOf(tar) }
}

/** `sha256:<hex>` */
export function digestOf(data: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`
}

function add(archive: ReturnType<typeof pack>, entry: LayerEntry): void {
  const base = { mtime: modified, uid: entry.uid ?? 0, gid: entry.gid ?? 0, uname: '', gname: '' }
  switch (entry.kind) {
    case 'folder':
      archive.entry({ ...base, name: `${entry.path}/`, type: 'directory', mode: entry.mode ?? 0o755 })
      break
    case 'file':
      archive.entry({ ...base, name: entry.path, type: 'file', mode: entry.mode ?? 0o644 }, Buffer.from(entry.content))
      break
    case 'symlink':
      archive.entry({ ...base, name: entry.path, type: 'symlink', linkname: entry.to, mode: entry.mode ?? 0o777 })
      break
    case 'hardlink':
      archive.entry({ ...base, name: entry.path, type: 'link', linkname: entry.to, mode: entry.mode ?? 0o755 })
      break
  }
}
