import type { BuildInfo, Handlers } from '../../src/api/index.js'
import { AsyncQueue } from '../../src/util/async-queue.js'
import type { ContainerContext } from '../containers/container-context.js'
import type { LoadedImage, LoadProgress } from '../images/image-service.js'
import { tellOfImage } from './image-events.js'
import { onePlatform } from './one-platform.js'

/** As many progress messages as may wait for a slow reader before the archive is held up. */
const waitingMessages = 10_000

/** Docker's own pace: more would be noise. */
const minimumGapMs = 100

/** Images as archives: `docker save` and `docker load`. */
export function imageArchiveHandlers(context: ContainerContext): Handlers {
  const save = async (names: readonly string[], platforms: Parameters<typeof onePlatform>[0], signal: AbortSignal) => {
    const platform = onePlatform(platforms)
    const archive = await context.images.save(names, { signal, ...(platform !== undefined && { platform }) })
    for (const name of names) {
      const image = await context.images.get(name).catch(() => undefined)
      // A name without a tag may stand for several images, none of them called latest.
      if (image !== undefined) tellOfImage(context.events, 'save', { ...image, name: image.id })
    }
    return { headers: {}, [Symbol.asyncIterator]: () => archive[Symbol.asyncIterator]() }
  }
  return {
    ImageGet: ({ path, query }, { signal }) => save([path.name], query?.platform, signal),
    ImageGetAll: ({ query }, { signal }) => save(query?.names ?? [], query?.platform, signal),

    async ImageLoad({ query, body }, { signal }) {
      const platform = onePlatform(query?.platform)
      const stopped = new AbortController()
      const messages = new AsyncQueue<BuildInfo>({ limit: waitingMessages, onLeave: () => stopped.abort() })
      const { promise: begun, begin } = beginning()
      const progress = progressMessages(message => {
        messages.push(message)
        begin()
      })
      const done = context.images.load(body, {
        signal: AbortSignal.any([signal, stopped.signal]),
        ...(platform !== undefined && { platform }),
        // Who says nothing gets none, as from dockerd.
        ...(query?.quiet === false && { onProgress: progress })
      })
      const told = done.then(
        loaded => {
          for (const { image } of loaded) tellOfImage(context.events, 'load', { ...image, name: image.id })
          for (const message of loaded.flatMap(loadedMessages)) messages.push(message)
          messages.end()
        },
        (error: unknown) => messages.fail(error)
      )
      // What fails before there is anything to tell fails the call, with its status; what fails later is told in the stream.
      await Promise.race([begun, done])
      void told
      return messages
    }
  }
}

function beginning(): { readonly promise: Promise<void>; readonly begin: () => void } {
  let begin: () => void = () => {}
  const promise = new Promise<void>(resolve => {
    begin = resolve
  })
  return { promise, begin }
}

function progressMessages(tell: (message: BuildInfo) => void): (progress: LoadProgress) => void {
  const toldAt = new Map<string, number>()
  return ({ id, currentBytes, totalBytes }) => {
    const now = performance.now()
    const isDue = now - (toldAt.get(id) ?? Number.NEGATIVE_INFINITY) >= minimumGapMs
    if (!isDue && currentBytes < totalBytes) return
    toldAt.set(id, now)
    tell({ status: 'Loading layer', progressDetail: { current: currentBytes, total: totalBytes }, id })
  }
}

function loadedMessages({ image, names }: LoadedImage): readonly BuildInfo[] {
  if (names.length === 0) return [{ stream: `Loaded image ID: ${image.id}\n` }]
  const renamed = names.flatMap(({ name, before }) =>
    before === undefined ? [] : [`The image ${name} already exists, renaming the old one with ID ${before} to empty string\n`]
  )
  return [...renamed, ...names.map(({ name }) => `Loaded image: ${name}\n`)].map(stream => ({ stream }))
}
