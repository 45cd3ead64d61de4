import { EngineError } from '../../src/errors/index.js'

/** Operations that go on until somebody ends them: a daemon that stops does not wait for those. */
export const ongoingOperations: ReadonlySet<string> = new Set([
  'SystemEvents',
  'ContainerLogs',
  'ServiceLogs',
  'TaskLogs',
  'ContainerStats',
  'ContainerAttach',
  'ContainerAttachWebsocket',
  'ContainerWait',
  'ExecStart',
  'Session'
])

/** A request that is being answered. Its signal is made when it is first asked for: most requests are over before that. */
export class RunningRequest {
  readonly isOngoing: boolean
  #controller: AbortController | undefined
  #ended: { readonly reason: unknown } | undefined

  constructor(isOngoing: boolean) {
    this.isOngoing = isOngoing
  }

  /** Aborted when the client leaves, or the daemon does not wait any longer. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#ended !== undefined) this.#controller.abort(this.#ended.reason)
    return this.#controller.signal
  }

  /** The client has gone away. */
  readonly leave = (): void => this.end(clientLeft)

  end(reason: unknown): void {
    this.#ended ??= { reason }
    this.#controller?.abort(this.#ended.reason)
  }
}

/** Knows which requests are being answered, so that a daemon can end in order. */
export class RequestTracker {
  readonly #running = new Map<RunningRequest, Promise<unknown>>()

  /** Run what answers a request. */
  async run<T>(isOngoing: boolean, action: (request: RunningRequest) => Promise<T>): Promise<T> {
    const request = new RunningRequest(isOngoing)
    const done = action(request)
    this.#running.set(request, done)
    try {
      return await done
    } finally {
      this.#running.delete(request)
    }
  }

  /** Let requests finish for `graceMs`, then end what is left, streams included. */
  async drain(graceMs: number): Promise<void> {
    const finite = [...this.#running].flatMap(([{ isOngoing }, done]) => (isOngoing ? [] : [done]))
    if (finite.length > 0) await withinTime(Promise.allSettled(finite), graceMs)
    const all = [...this.#running.values()]
    for (const request of this.#running.keys()) request.end(stopping)
    await withinTime(Promise.allSettled(all), endMs)
  }
}

const clientLeft = new EngineError('failed', 'the client has gone away')
const stopping = new EngineError('unavailable', 'the daemon is stopping')

/** How long what was told to end may take. */
const endMs = 2000

function withinTime(promise: Promise<unknown>, limitMs: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, limitMs)
    void promise.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
