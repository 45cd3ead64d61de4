import type { Frame, Hijacked } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from './container-context.js'
import { defaultDetachKeys, detachable, parseDetachKeys } from './detach-keys.js'
import { containerAttributes } from './event-attributes.js'
import type { AttachStreams, LiveContainer } from './live-container.js'
import { readLog } from './log-reader.js'
import { type LogPlace, logPlace } from './log-settings.js'
import { nanosecondsOf, nanoTime } from './nano-time.js'
import { rewired } from './rewired.js'

/** What whoever attaches wants. */
export interface AttachRequest extends AttachStreams {
  /** What the container has written before. */
  readonly logs: boolean
  /** What it writes from now on, and its stdin; false: the connection ends after the logs. */
  readonly stream: boolean
  /** In Docker's notation. @default ctrl-p,ctrl-q */
  readonly detachKeys?: string
}

/**
 * Connect to a container's standard streams. Between the logs and what comes after them nothing is missing and nothing is twice.
 *
 * @throws EngineError `invalid_argument` (detach keys that are none), `not_found`, `conflict` (it is paused, or about to restart),
 *   `not_supported` (its log cannot be read)
 */
export function attachContainer(context: ContainerContext, idOrName: string, request: AttachRequest): Hijacked {
  const keys = request.detachKeys ? parseDetachKeys(request.detachKeys) : defaultDetachKeys
  if (keys === undefined) {
    throw new EngineError('invalid_argument', `Invalid detach keys (${request.detachKeys}) provided`, {
      details: { field: 'detachKeys', value: request.detachKeys }
    })
  }
  const record = context.store.get(idOrName)
  if (record.state.paused) {
    throw new EngineError('conflict', `container ${idOrName} is paused, unpause the container before attach`, {
      details: { id: record.id }
    })
  }
  if (record.state.restarting) {
    throw new EngineError('conflict', `container ${idOrName} is restarting, wait until the container is running`, {
      details: { id: record.id }
    })
  }
  const place = request.logs ? logPlace(context.paths, record) : undefined
  if (request.logs && place === undefined) {
    throw new EngineError('not_supported', 'configured logging driver does not support reading', { details: { driver: 'none' } })
  }
  const io = context.live.io(record.id, record.config)
  const live = request.stream ? io.attach(request) : ended(io.tty)
  const attached = place === undefined ? live : afterLogs(live, earlierOutput(io, place, request))
  const publish = (action: string) =>
    context.events.publish({ Type: 'container', Action: action, id: record.id, attributes: containerAttributes(record) })
  publish('attach')
  return request.stream && request.stdin && io.tty ? detachable(attached, keys, () => publish('detach')) : attached
}

/** What was written until this call. */
function earlierOutput(io: LiveContainer, place: LogPlace, { stdout, stderr }: AttachStreams): AsyncIterable<Frame> {
  const mark = io.markLog()
  const until = mark?.until ?? nanosecondsOf(nanoTime())
  return (async function* () {
    await mark?.written
    yield* readLog(place, { stdout, stderr, timestamps: false, until })
    for (const frame of mark?.pending ?? []) if (frame.stream === 'stderr' ? stderr : stdout) yield frame
  })()
}

function afterLogs(live: Hijacked, earlier: AsyncIterable<Frame>): Hijacked {
  async function* output(): AsyncGenerator<Frame, void, undefined> {
    try {
      yield* earlier
      yield* live.output
    } finally {
      await live.close()
    }
  }
  return rewired(live, { output: output() })
}

/** A connection that nothing comes from, and that takes nothing. */
function ended(tty: boolean): Hijacked {
  const nothing = async () => {}
  return {
    tty,
    output: (async function* () {})(),
    write: async () => {
      throw new EngineError('invalid_argument', 'stdin was not attached: attach with stream to write to it')
    },
    closeWrite: nothing,
    close: nothing,
    [Symbol.asyncDispose]: nothing
  }
}
