/** Longest delay a Node timer takes: the timer is there to be counted, not to fire. */
const farAwayMs = 2 ** 31 - 1

/**
 * Keeps the event loop alive while something is waited for. The runtime's threads, sockets and pipes never do it by
 * themselves, so that the library alone does not keep a program from ending; a call that the caller awaits has to.
 */
export class EventLoopHold {
  #count = 0
  #timer: NodeJS.Timeout | undefined

  /** Hold on until the returned function is called, which is idempotent. */
  acquire(): () => void {
    let held = true
    if (this.#count++ === 0) this.#timer = setInterval(() => {}, farAwayMs)
    return () => {
      if (!held) return
      held = false
      if (--this.#count === 0) clearInterval(this.#timer)
    }
  }
}
