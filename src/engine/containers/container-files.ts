import { checkAbortable, openCallScope } from '../call-scope.js'
import { checkCount, checkKeys, checkString, optional, wrongSetting } from '../checks.js'
import type { EngineContext } from '../context.js'
import { fetchFiles } from '../files/fetch-files.js'
import type { ContainerFiles } from '../files/files.js'
import { listFolder } from '../files/list-folder.js'
import { ownerOf } from '../files/owner.js'
import { packFile, packTree } from '../files/pack-tree.js'
import { putArchive } from '../files/put-archive.js'
import { readFile } from '../files/read-file.js'
import type { Abortable } from '../values.js'

/** A container's `fs`. */
export function filesOf(context: EngineContext, container: { readonly id: string }): ContainerFiles {
  const { id } = container
  const within = async <T>(verb: string, options: Abortable, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const scope = openCallScope(`fs.${verb}`, checkAbortable(`fs.${verb}`, options), context.session.closing)
    try {
      return await work(scope.signal)
    } finally {
      scope.release()
    }
  }
  const checked = (verb: string, options: Abortable) => checkKeys(`fs.${verb}`, options, ['signal', 'timeout'])
  const read = (verb: string, path: string, options: Abortable): Promise<Buffer> => {
    const from = checkPath(`fs.${verb}`, path)
    return within(verb, checked(verb, options), signal => readFile(context, id, from, signal))
  }
  return Object.freeze<ContainerFiles>({
    read: async (path, options = {}) => await read('read', path, options),
    readText: async (path, options = {}) => (await read('readText', path, options)).toString('utf8'),
    async write(path, data, options = {}) {
      const to = checkPath('fs.write', path)
      const given = checkKeys('fs.write', options, ['mode', 'user', 'signal', 'timeout'])
      const mode = optional(checkCount, 'fs.write.mode', given.mode) ?? 0o644
      const user = optional(checkString, 'fs.write.user', given.user)
      await within('write', given, async signal => {
        const content = await bytesOf(data, signal)
        const owner = user === undefined ? {} : await ownerOf(context, id, user, signal)
        const entry = { type: 'file' as const, sizeBytes: content.length, mode, mtime: new Date(), ...owner }
        await putArchive(context, id, to, signal, name => packFile({ ...entry, name }, content))
      })
    },
    async put(hostPath, path, options = {}) {
      const from = checkString('fs.put', hostPath, 'a path of this machine as text')
      const to = checkPath('fs.put', path)
      await within('put', checked('put', options), signal => putArchive(context, id, to, signal, name => packTree(from, name)))
    },
    async get(path, hostPath, options = {}) {
      const from = checkPath('fs.get', path)
      const to = checkString('fs.get', hostPath, 'a path of this machine as text')
      await within('get', checked('get', options), signal => fetchFiles(context, id, { from, to }, signal))
    },
    async list(path, options = {}) {
      const at = checkPath('fs.list', path)
      return await within('list', checked('list', options), signal => listFolder(context, id, at, signal))
    }
  })
}

function checkPath(path: string, value: unknown): string {
  const text = checkString(path, value, 'an absolute path in the container as text')
  if (!text.startsWith('/')) throw wrongSetting(path, 'an absolute path in the container', value)
  return text
}

async function bytesOf(data: unknown, signal: AbortSignal): Promise<Uint8Array> {
  if (typeof data === 'string') return Buffer.from(data)
  if (data instanceof Uint8Array) return data
  if (typeof data !== 'object' || data === null || !(Symbol.asyncIterator in data)) {
    throw wrongSetting('fs.write data', 'text, bytes or a readable stream', data)
  }
  const pieces: Uint8Array[] = []
  // The reason for the cast: an object that can be iterated; its pieces are checked as they come.
  for await (const piece of data as AsyncIterable<string | Uint8Array>) {
    signal.throwIfAborted()
    pieces.push(Buffer.from(piece as Uint8Array))
  }
  return Buffer.concat(pieces)
}
