import { closeSync, constants, openSync } from 'node:fs'
import { writeArchive } from '../../runtime/archive/write-archive.js'
import { openKernel } from '../../runtime/host/koffi-kernel.js'
import { DescriptorRoot } from '../../runtime/host/rooted-folder.js'
import { unpackLayer } from '../../runtime/layers/unpack-layer.js'
import { writeFiles } from '../../src/engine/files/write-files.js'
import { decodeTar } from '../../src/util/tar/decode-tar.js'

type Archive = AsyncIterable<Buffer>

/** The ways in which an archive that nobody looked at is written to this machine. Each writes below `to`, a folder that is there. */
export const waysIn = {
  /** A layer of an image: pull, load and import. */
  layer: async (archive: Archive, to: string): Promise<void> => {
    await unpackLayer(archive, { mediaType: '', directory: to })
  },
  /** `docker cp` into a container whose root is `to`. */
  put: async (archive: Archive, to: string): Promise<void> => {
    const rooted = new DescriptorRoot(await openKernel(), openSync(to, constants.O_RDONLY | constants.O_DIRECTORY))
    try {
      await writeArchive(rooted, '/', archive, { keepKinds: false, signal: new AbortController().signal })
    } finally {
      rooted.close()
    }
  },
  /** `docker cp` out of a container, by an engine that may send anything; the archive's names begin with `x/`. */
  get: (archive: Archive, to: string): Promise<void> =>
    writeFiles(decodeTar(archive), { from: '/x', to: `${to}/to` }, new AbortController().signal)
}

/** The lowest number that a descriptor would get: it grows where some are not closed. */
export function nextDescriptor(): number {
  const fd = openSync('/', constants.O_RDONLY)
  closeSync(fd)
  return fd
}
