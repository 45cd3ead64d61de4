import type { CreateImageInfo } from '../../src/api/index.js'
import { AsyncQueue } from '../../src/util/async-queue.js'
import type { PullProgress, PullResult } from '../images/image-service.js'

/** As many progress messages as may wait for a slow reader before newer ones push them out of the way. */
const waitingMessages = 10_000

/** A pull on its way, told in Docker's progress messages. */
export interface PullMessages {
  readonly onProgress: (progress: PullProgress) => void
  /** Resolves at the first progress. */
  readonly begun: Promise<void>
  finish(result: PullResult, reference: string): void
  fail(error: unknown): void
  readonly messages: AsyncIterable<CreateImageInfo>
}

/** Translate a pull's progress into the lines of `POST /images/create`. */
export function pullMessages(title: string, tag: string, onLeave: () => void): PullMessages {
  const queue = new AsyncQueue<CreateImageInfo>({ limit: waitingMessages, onLeave })
  const phases = new Map<string, PullProgress['phase']>()
  let begin: () => void = () => {}
  const begun = new Promise<void>(resolve => {
    begin = resolve
  })
  queue.push({ status: `Pulling from ${title}`, id: tag })
  return {
    begun,
    messages: queue,
    onProgress(progress) {
      begin()
      const before = phases.get(progress.layer)
      phases.set(progress.layer, progress.phase)
      for (const message of messagesOf(progress, before)) queue.push(message)
    },
    finish({ digest, changed }, reference) {
      queue.push({ status: `Digest: ${digest}` })
      queue.push({ status: changed ? `Status: Downloaded newer image for ${reference}` : `Status: Image is up to date for ${reference}` })
      queue.end()
      begin()
    },
    fail: error => queue.fail(error)
  }
}

/** The words Docker uses; a phase that has a size says how far it is. */
const words: Readonly<Record<PullProgress['phase'], string>> = {
  present: 'Already exists',
  waiting: 'Waiting',
  downloading: 'Downloading',
  downloaded: 'Download complete',
  unpacking: 'Extracting',
  done: 'Pull complete'
}

function messagesOf(progress: PullProgress, before: PullProgress['phase'] | undefined): readonly CreateImageInfo[] {
  const id = progress.layer.replace(/^sha256:/, '').slice(0, 12)
  const measured = progress.phase === 'downloading' || progress.phase === 'unpacking'
  const message: CreateImageInfo = {
    status: words[progress.phase],
    progressDetail: measured ? { current: progress.currentBytes, total: progress.totalBytes } : {},
    id
  }
  const first = before === undefined && progress.phase !== 'present'
  return first ? [{ status: 'Pulling fs layer', progressDetail: {}, id }, message] : [message]
}
