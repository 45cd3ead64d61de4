/** Signals that end a daemon, and what a process says that was ended by one: 128 and its number. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const

/** The name of the first signal to stop. A second one, of either kind, ends the process at once. */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    let isStopping = false
    const stop = (name: keyof typeof exitCodes): void => {
      if (isStopping) process.exit(exitCodes[name])
      isStopping = true
      resolve(name)
    }
    process.on('SIGTERM', () => stop('SIGTERM'))
    process.on('SIGINT', () => stop('SIGINT'))
  })
}
