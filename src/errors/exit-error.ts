import { EngineError } from './engine-error.js'

/** The parts of a finished process that an {@link ExitError} carries. */
export interface ExitErrorFields {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly argv: readonly string[]
}

/** A process ended with an exit code other than 0 where the caller asked for its output (`text`, `lines`, `json`). */
export class ExitError extends EngineError {
  override readonly name = 'ExitError'
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly argv: readonly string[]

  constructor(fields: ExitErrorFields) {
    const said = lastLines(fields.stderr === '' ? fields.stdout : fields.stderr)
    super('exited', `${describe(fields.argv)} exited with code ${fields.exitCode}${said === '' ? '' : `:\n${said}`}`, {
      details: { exitCode: fields.exitCode, argv: fields.argv }
    })
    this.exitCode = fields.exitCode
    this.stdout = fields.stdout
    this.stderr = fields.stderr
    this.argv = fields.argv
  }
}

function describe(argv: readonly string[]): string {
  return argv.length === 0 ? "the image's default command" : argv.join(' ')
}

function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-10).join('\n')
}
