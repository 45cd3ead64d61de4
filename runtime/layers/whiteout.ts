import { lstatSync } from 'node:fs'
import { libcFiles, nodeTypes } from '../host/libc-files.js'
import { errnoOf } from '../host/system-call-error.js'
import { archiveError } from './archive-error.js'
import { bytesOf, onDisk, splitPath } from './entry-path.js'
import { childPath, hideLower, type LayerDirectory } from './layer-tree.js'

/** What a `.wh.` entry says: the whole directory below is hidden, or one name in it. */
export type Whiteout = { readonly kind: 'opaque' } | { readonly kind: 'name'; readonly base: string }

const prefix = '.wh.'
/** Names with this prefix are AUFS's own, and mean nothing elsewhere; but for the opaque mark. */
const metadataPrefix = '.wh..wh.'
const opaqueMark = '.wh..wh..opq'

/**
 * Read a path as a whiteout (OCI image-spec, layer.md, "Whiteouts"). Undefined for an ordinary entry.
 *
 * @throws EngineError `data_loss` for one that hides nothing there could be
 */
export function whiteoutOf(path: string): Whiteout | 'ignored' | undefined {
  if (!path.includes(prefix)) return undefined
  const [directory, base] = splitPath(path)
  if (base === opaqueMark) return { kind: 'opaque' }
  if (base.startsWith(metadataPrefix) || directory.startsWith(metadataPrefix)) return 'ignored'
  if (!base.startsWith(prefix)) return undefined
  const hidden = base.slice(prefix.length)
  if (hidden === '' || hidden === '.' || hidden === '..') throw archiveError(`the whiteout ${path} names nothing that can be hidden`)
  return { kind: 'name', base: hidden }
}

/**
 * Write it as overlayfs has it: a character device 0/0, or `trusted.overlay.opaque` on the directory. A whiteout is about the
 * layers below, so what this layer itself has at that place stays, only cut off from them.
 */
export function makeWhiteout(parent: LayerDirectory, whiteout: Whiteout): void {
  if (whiteout.kind === 'opaque') {
    hideLower(parent.path)
    return
  }
  const path = childPath(parent, whiteout.base)
  try {
    libcFiles().makeNode(bytesOf(path), nodeTypes.character, { major: 0, minor: 0 })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
    if (lstatSync(onDisk(path)).isDirectory()) hideLower(path)
  }
}
