import { randomBytes } from 'node:crypto'
import { createReadStream, mkdirSync, rmSync } from 'node:fs'
import type { TarStream } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { Unwind } from '../../src/util/unwind.js'
import type { ContainerContext } from './container-context.js'
import { containerAttributes } from './event-attributes.js'

/** GNU tar's exit code where a file changed while it was read: of a running container that is to be expected. */
const changedMeanwhile = 1

/**
 * A container's root file system as an archive, without what is mounted in it. The host's GNU tar makes it; nothing is begun before the
 * stream is iterated, and leaving the loop gives everything back.
 *
 * @throws EngineError `not_found`; while iterated also `not_supported` without tar on this host, `failed` when tar fails
 */
export function exportContainer(context: ContainerContext, idOrName: string, signal: AbortSignal): TarStream {
  const { id } = context.store.get(idOrName)
  return { headers: {}, [Symbol.asyncIterator]: () => archive(context, id, signal) }
}

async function* archive(context: ContainerContext, id: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { host, store } = context
  const unwind = new Unwind()
  try {
    signal.throwIfAborted()
    const record = store.get(id)
    const root = `${context.paths.rootfs(id)}-export-${randomBytes(4).toString('hex')}`
    mkdirSync(root, { recursive: true, mode: 0o700 })
    unwind.add(() => rmSync(root, { recursive: true, force: true }))
    // A read-only view: the container may have its own mount of the same layers.
    const { lower, upper } = context.snapshotter.mounts(id)
    await host.mountOverlay({ lower: upper === undefined ? lower : [upper, ...lower] }, root)
    unwind.add(() => host.unmount(root))
    const { read, write } = await host.pipe()
    const output = createReadStream('', { fd: read })
    unwind.add(() => void output.destroy())
    const argv = [
      'tar',
      '--create',
      '--file=-',
      '--numeric-owner',
      '--sparse',
      '--format=pax',
      '--xattrs',
      '--xattrs-include=*',
      '--xattrs-exclude=trusted.overlay.*',
      '--transform=s,^\\./\\(.\\),\\1,S',
      `--directory=${root}`,
      '.'
    ]
    const tar = await host
      .spawn({ argv, env: { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }, stdio: ['ignore', write, 'ignore'] })
      .finally(() => host.closeFd(write))
    let hasEnded = false
    const exited = tar.exited.then(exit => {
      hasEnded = true
      return exit
    })
    const kill = () => {
      if (!hasEnded) process.kill(tar.pid, 'SIGKILL')
    }
    unwind.add(async () => {
      kill()
      await exited
    })
    signal.addEventListener('abort', kill, { once: true })
    unwind.add(() => signal.removeEventListener('abort', kill))
    for await (const chunk of output) yield chunk
    const { code } = await exited
    signal.throwIfAborted()
    if (code !== 0 && code !== changedMeanwhile)
      throw new EngineError('failed', `tar could not read the files of container ${id}`, { details: { id, code } })
    context.events.publish({ Type: 'container', Action: 'export', id, attributes: containerAttributes(record) })
  } finally {
    await unwind.run()
  }
}
