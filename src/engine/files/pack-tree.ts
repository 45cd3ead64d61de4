import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../errors/index.js'
import { encodeTarHeader, type NewTarEntry, tarEnd, tarPadding } from '../../util/tar/encode-tar.js'

/** An archive of one file. */
export async function* packFile(entry: NewTarEntry, content: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield encodeTarHeader(entry)
  yield content
  yield tarPadding(content.length)
  yield tarEnd()
}

/** Folders and files by path, in memory: an archive of them below `name`, or at the top where that is empty. */
export async function* packRecord(
  files: Readonly<Record<string, string | Uint8Array>>,
  name: string
): AsyncGenerator<Uint8Array, void, undefined> {
  yield encodeTarHeader({ name, type: 'directory' })
  const folders = new Set<string>()
  for (const [path, data] of Object.entries(files)) {
    const parts = path.split('/').filter(part => part !== '' && part !== '.')
    for (let depth = 1; depth < parts.length; depth++) {
      const folder = parts.slice(0, depth).join('/')
      if (folders.has(folder)) continue
      folders.add(folder)
      yield encodeTarHeader({ name: `${name}/${folder}`, type: 'directory' })
    }
    const content = Buffer.from(data as Uint8Array)
    yield encodeTarHeader({ name: `${name}/${parts.join('/')}`, type: 'file', sizeBytes: content.length })
    yield content
    yield tarPadding(content.length)
  }
  yield tarEnd()
}

/** A file or folder of this machine as an archive, in which it is called `name`. Owners become root, as with docker cp; modes stay. */
export async function* packTree(hostPath: string, name: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield* packed(hostPath, name, true)
  yield tarEnd()
}

async function* packed(hostPath: string, name: string, isTop: boolean): AsyncGenerator<Uint8Array, void, undefined> {
  const stats = await lstat(hostPath).catch(cause => {
    throw new EngineError(cause.code === 'ENOENT' ? 'not_found' : 'failed', `${hostPath} cannot be read: ${cause.message}`, {
      details: { path: hostPath, errno: cause.code },
      cause
    })
  })
  const common = { name, mode: stats.mode & 0o7777, mtime: stats.mtime }
  if (stats.isSymbolicLink()) {
    yield encodeTarHeader({ ...common, type: 'symlink', linkName: await readlink(hostPath) })
  } else if (stats.isDirectory()) {
    yield encodeTarHeader({ ...common, type: 'directory' })
    for (const child of (await readdir(hostPath)).sort()) yield* packed(join(hostPath, child), `${name}/${child}`, false)
  } else if (stats.isFile()) {
    yield encodeTarHeader({ ...common, type: 'file', sizeBytes: stats.size })
    yield* contentOf(hostPath, stats.size)
    yield tarPadding(stats.size)
  } else if (isTop) {
    throw new EngineError('not_supported', `${hostPath} is neither a file nor a folder nor a link: it cannot be copied`)
  }
  // Sockets, pipes and devices within a folder are left out, as tar leaves out sockets.
}

/** As many bytes as the header says, also when the file changes meanwhile. */
async function* contentOf(hostPath: string, sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  if (sizeBytes === 0) return
  let left = sizeBytes
  // The reason for the cast: without an encoding a file's stream gives buffers.
  for await (const chunk of createReadStream(hostPath, { end: sizeBytes - 1 }) as AsyncIterable<Buffer>) {
    left -= chunk.length
    yield chunk
  }
  if (left > 0) throw new EngineError('data_loss', `${hostPath} became shorter while it was read`, { details: { path: hostPath } })
}
