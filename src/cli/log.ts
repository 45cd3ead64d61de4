/** How much is said, from everything to next to nothing. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'fatal'] as const

export type LogLevel = (typeof logLevels)[number]

/** Says things to whoever started the command: what goes as it should on stdout, what does not on stderr. */
export class Log {
  #threshold: number

  /** @param level - The least that is said */
  constructor(level: LogLevel = 'info') {
    this.#threshold = logLevels.indexOf(level)
  }

  /** From now on. */
  set level(level: LogLevel) {
    this.#threshold = logLevels.indexOf(level)
  }

  debug(line: string): void {
    if (this.#threshold <= logLevels.indexOf('debug')) process.stdout.write(`${line}\n`)
  }

  info(line: string): void {
    if (this.#threshold <= logLevels.indexOf('info')) process.stdout.write(`${line}\n`)
  }

  warn(line: string): void {
    if (this.#threshold <= logLevels.indexOf('warn')) process.stderr.write(`gantry: ${line}\n`)
  }

  error(line: string): void {
    if (this.#threshold <= logLevels.indexOf('error')) process.stderr.write(`gantry: ${line}\n`)
  }
}
