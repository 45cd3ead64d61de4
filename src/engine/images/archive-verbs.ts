import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { ImageCreate, ImageGetAll, ImageLoad } from '../../api/index.js'
import { isAtLeast } from '../../api/versions.js'
import { EngineError } from '../../errors/index.js'
import { checkAbortable, openCallScope } from '../call-scope.js'
import { checkKeys, checkOneOf, checkString, checkStrings, optional, wrongSetting } from '../checks.js'
import { callWith, type EngineContext } from '../context.js'
import type { Task } from '../events/task.js'
import { TaskRun } from '../events/task-run.js'
import { checkArchiveTarget, writeArchive } from '../files/write-archive.js'
import type { Image } from '../handles.js'
import type { Abortable } from '../values.js'
import type { ImportOptions, SaveOptions } from './image.js'
import { splitReference } from './image-reference.js'
import { inspectImage } from './pull-image.js'

/** Large, because every piece is a step of its own. */
const readBytes = 1024 * 1024

/** The first API version whose archives are OCI layouts, too. */
const ociSince = '1.44'

/** `engine.load`: the images of an archive. */
export function loadVerb(context: EngineContext, archive: string | Readable, options: Abortable): Task<Image[]> {
  return new TaskRun<Image[]>(async emit => {
    const limits = checkAbortable('load', checkKeys('load', options, ['signal', 'timeout']))
    const source = await openArchive('load', archive)
    const scope = openCallScope('load of an archive', limits, context.session.closing)
    const names: string[] = []
    try {
      const body = source.bytes()
      for await (const message of await callWith(context, ImageLoad, { body, query: { quiet: false } }, { signal: scope.signal })) {
        const name = /^Loaded image(?: ID)?: (\S+)/.exec(message.stream ?? '')?.[1]
        if (name !== undefined) names.push(name)
        const { id, progressDetail, status } = message
        if (status !== 'Loading layer' || id === undefined) continue
        const event = {
          type: 'image.load.progress',
          layer: id,
          current: progressDetail?.current ?? 0,
          total: progressDetail?.total ?? 0
        } as const
        emit(event)
        context.announce(event)
      }
      return await imagesOf(context, names)
    } catch (error) {
      throw source.explain(error)
    } finally {
      scope.release()
      source.close()
    }
  })
}

/** `engine.import`: an image of an archive of files. */
export async function importVerb(
  context: EngineContext,
  archive: string | Readable,
  reference: string | undefined,
  options: ImportOptions
): Promise<Image> {
  const given = checkKeys('import', options, ['message', 'changes', 'platform', 'signal', 'timeout'])
  const named = optional(checkString, 'import.reference', reference)
  if (named?.includes('@')) throw wrongSetting('import.reference', 'a reference without a digest', named)
  const message = optional(checkString, 'import.message', given.message)
  const changes = optional(checkStrings, 'import.changes', given.changes)
  const platform = optional(checkString, 'import.platform', given.platform)
  const scope = openCallScope('import of an archive', checkAbortable('import', given), context.session.closing)
  const query = {
    fromSrc: '-',
    ...(named !== undefined && { repo: splitReference(named).name, tag: splitReference(named).tag }),
    ...(message !== undefined && { message }),
    ...(changes !== undefined && { changes }),
    ...(platform !== undefined && { platform })
  }
  const source = await openArchive('import', archive)
  try {
    let id = ''
    const body = source.bytes()
    for await (const { status } of await callWith(context, ImageCreate, { query, body }, { signal: scope.signal })) {
      if (status !== undefined && /^sha256:[0-9a-f]{64}$/.test(status)) id = status
    }
    return context.imageOf({ reference: named ?? id }, await inspectImage(context, id))
  } catch (error) {
    throw source.explain(error)
  } finally {
    scope.release()
    source.close()
  }
}

/** `image.save`: an archive of one image, under the name by which the handle was made. */
export async function saveVerb(context: EngineContext, image: Image, target: unknown, options: SaveOptions): Promise<void> {
  const given = checkKeys('save', options, ['format', 'signal', 'timeout'])
  const sink = checkArchiveTarget('save', target)
  const format = optional((path, value) => checkOneOf(path, value, ['docker', 'oci']), 'save.format', given.format)
  const { apiVersion, endpoint } = context.transport
  if (format === 'oci' && !isAtLeast(apiVersion, ociSince)) {
    throw new EngineError(
      'not_supported',
      `save.format: the engine at ${endpoint} speaks API ${apiVersion} and saves Docker's archives only; OCI layouts need ${ociSince}`
    )
  }
  const scope = openCallScope(`save of ${image.reference}`, checkAbortable('save', given), context.session.closing)
  try {
    const archive = await callWith(context, ImageGetAll, { query: { names: [nameOf(image)] } }, { signal: scope.signal })
    await writeArchive(archive, sink, scope.signal)
  } finally {
    scope.release()
  }
}

/** Never a name without a tag: that stands for all of a repository. */
function nameOf({ id, reference, tags }: Image): string {
  const { name, tag } = splitReference(reference)
  return tags.includes(`${name}:${tag}`) ? `${name}:${tag}` : id
}

async function imagesOf(context: EngineContext, names: readonly string[]): Promise<Image[]> {
  const images = new Map<string, Image>()
  for (const name of names) {
    const facts = await inspectImage(context, name)
    if (!images.has(facts.Id)) images.set(facts.Id, context.imageOf({ reference: name }, facts))
  }
  return [...images.values()]
}

/** A file is opened before anything is sent: that it is missing is told as itself. */
async function openArchive(path: string, archive: unknown): Promise<ArchiveSource> {
  if (archive instanceof Readable) return new ArchiveSource(path, archive)
  const file = checkString(path, archive, 'the path of an archive, or a readable stream')
  try {
    const handle = await open(file, 'r')
    return new ArchiveSource(path, createReadStream('', { fd: handle, highWaterMark: readBytes }))
  } catch (error) {
    const code = error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'not_found' : 'failed'
    throw new EngineError(code, `${path}: ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error
    })
  }
}

/** An archive that is being sent. Where its source fails, that is the reason, whatever the engine makes of what it got. */
class ArchiveSource {
  readonly #verb: string
  readonly #stream: Readable
  #failure: { readonly cause: unknown } | undefined

  constructor(verb: string, stream: Readable) {
    this.#verb = verb
    this.#stream = stream
  }

  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#stream
    } catch (cause) {
      this.#failure = { cause }
      throw cause
    }
  }

  explain(error: unknown): unknown {
    if (this.#failure === undefined) return error
    const { cause } = this.#failure
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new EngineError('failed', `${this.#verb}: the archive could not be read to its end: ${reason}`, { cause })
  }

  close(): void {
    this.#stream.destroy()
  }
}
