import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** How long after the last reason, in milliseconds: what goes away by the thousand takes several turns of the event loop. */
const delayMs = 2000

/** Collect garbage soon. V8 collects when something is allocated: an idle process keeps what it has. */
export function collectGarbage(): void {
  setTimeout(() => {
    setFlagsFromString('--expose-gc')
    // A fresh context has the function that the flag shows; this one's globals were made without it.
    const collect = runInNewContext('gc') as () => void
    collect()
  }, delayMs).unref()
}
