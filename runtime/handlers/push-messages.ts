import type { PushImageInfo } from '../../src/api/index.js'
import { AsyncQueue } from '../../src/util/async-queue.js'
import type { PushProgress, PushResult } from '../images/push-options.js'

/** As many progress messages as may wait for a slow reader before newer ones push them out of the way. */
const waitingMessages = 10_000

/** A line of `POST /images/{name}/push`; in the API's description `id` and `aux` are left out. */
type PushLine = PushImageInfo & { readonly id?: string; readonly aux?: object }

/** A push on its way, told in Docker's progress messages. */
export interface PushMessages {
  readonly onProgress: (progress: PushProgress) => void
  /** A tag is there. More may follow. */
  pushed(tag: string, result: PushResult): void
  end(): void
  fail(error: unknown): void
  readonly messages: AsyncIterable<PushImageInfo>
}

/** Translate a push's progress into the lines of `POST /images/{name}/push`. @param repository - in full: `docker.io/library/alpine` */
export function pushMessages(repository: string, onLeave: () => void): PushMessages {
  const queue = new AsyncQueue<PushLine>({ limit: waitingMessages, onLeave })
  queue.push({ status: `The push refers to repository [${repository}]` })
  return {
    messages: queue,
    onProgress: progress => void queue.push(messageOf(progress)),
    pushed(tag, { digest, sizeBytes }) {
      queue.push({ status: `${tag}: digest: ${digest} size: ${sizeBytes}` })
      queue.push({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: sizeBytes } })
    },
    end: () => queue.end(),
    fail: error => queue.fail(error)
  }
}

/** The words Docker uses. */
const words: Readonly<Record<Exclude<PushProgress['phase'], 'mounted'>, string>> = {
  preparing: 'Preparing',
  waiting: 'Waiting',
  pushing: 'Pushing',
  present: 'Layer already exists',
  skipped: 'Skipped foreign layer',
  pushed: 'Pushed'
}

function messageOf({ layer, phase, from, currentBytes, totalBytes }: PushProgress): PushLine {
  return {
    status: phase === 'mounted' ? `Mounted from ${from}` : words[phase],
    progressDetail: phase === 'pushing' ? { current: currentBytes, total: totalBytes } : {},
    id: layer.replace(/^sha256:/, '').slice(0, 12)
  }
}
