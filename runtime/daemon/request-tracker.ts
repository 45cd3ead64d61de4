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

/** Knows which requests are being answered, so that a daemon can end in order. */
export class RequestTracker {
  readonly #running = new Map<AbortController, { readonly isOngoing: boolean; readonly done: Promise<unknown> }>()

  /** Run what answers a request. `signal` is aborted when the client leaves (`leave` says so) or the daemon does not wait any longer. */
  run<T>(isOngoing: boolean, action: (signal: AbortSignal, leave: () => void) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const leave = (): void => controller.abort(clientLeft)
    const done = action(controller.signal, leave).finally(() => this.#running.delete(controller))
    this.#running.set(controller, { isOngoing, done: done.catch(() => {}) })
    return done
  }

  /** Let requests finish for `graceMs`, then end what is left, streams included. */
  async drain(graceMs: number): Promise<void> {
    const finite = [...this.#running.values()].filter(({ isOngoing }) => !isOngoing).map(({ done }) => done)
    if (finite.length > 0) await withinTime(Promise.all(finite), graceMs)
    const all = [...this.#running.values()].map(({ done }) => done)
    for (const controller of this.#running.keys()) controller.abort(stopping)
    await withinTime(Promise.all(all), endMs)
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
