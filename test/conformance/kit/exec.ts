import type { Engine } from 'gantry'
import { ContainerExec, type ExecConfig, ExecInspect, ExecStart } from 'gantry/api'

/** What came of an exec. */
export interface ExecResult {
  readonly exitCode: number | null | undefined
  readonly stdout: string
  readonly stderr: string
}

/** Run a process in a container through the contract's two calls, give it `input`, and read all it says. */
export async function exec(engine: Engine, id: string, settings: ExecConfig, input?: string): Promise<ExecResult> {
  const attach = { AttachStdin: input !== undefined, AttachStdout: true, AttachStderr: true }
  const { Id } = await engine.raw.call(ContainerExec, { path: { id }, body: { ...attach, ...settings } })
  const connection = await engine.raw.call(ExecStart, { path: { id: Id }, body: { Detach: false, Tty: settings.Tty ?? false } })
  if (input !== undefined) {
    await connection.write(Buffer.from(input))
    await connection.closeWrite()
  }
  const text = { stdin: '', stdout: '', stderr: '' }
  for await (const { stream, data } of connection.output) text[stream] += Buffer.from(data).toString('latin1')
  const { ExitCode: exitCode } = await engine.raw.call(ExecInspect, { path: { id: Id } })
  return { exitCode, stdout: text.stdout, stderr: text.stderr }
}
