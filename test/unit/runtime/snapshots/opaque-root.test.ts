import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { unpackLayer } from '../../../../runtime/layers/unpack-layer.js'
import { openMetadataStore } from '../../../../runtime/metadata/lmdb-store.js'
import { createSnapshotter } from '../../../../runtime/snapshots/overlay-snapshotter.js'
import { rawArchive } from '../layers/tar-builder.js'
import { inPieces, isRoot, plainTar, temporaryFolders } from '../layers/temporary-folder.js'

const folder = temporaryFolders()

it.skipIf(!isRoot)('a layer whose root is opaque hides all layers below it (needs root)', async () => {
  const root = folder()
  const metadata = await openMetadataStore({ path: join(root, 'metadata.lmdb') })
  try {
    const snapshotter = await createSnapshotter({ root, metadata })
    const archives = [rawArchive({ name: 'below' }), rawArchive({ name: '.wh..wh..opq' }, { name: 'new' }), rawArchive({ name: 'above' })]
    for (const [at, archive] of archives.entries()) {
      const prepared = await snapshotter.prepare(`sha256:${at}`, at === 0 ? undefined : `sha256:${at - 1}`)
      const layer = await unpackLayer(inPieces(archive), { mediaType: plainTar, directory: prepared.directory })
      await prepared.commit(layer)
    }
    await snapshotter.create('c', { chainId: 'sha256:2' })
    expect(snapshotter.mounts('c').lower.map(directory => readdirSync(directory))).toEqual([['above'], ['new']])
  } finally {
    await metadata.close()
  }
})
