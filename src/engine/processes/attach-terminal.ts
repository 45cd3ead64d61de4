import type { Readable } from 'node:stream'
import { deferred } from '../../util/deferred.js'
import { DetachKeys } from './detach-keys.js'
import type { ForegroundProcess } from './foreground.js'

/**
 * Connect this process's standard streams to a container's terminal until it ends or the detach keys are typed. What was changed about
 * them is undone in every case.
 *
 * @returns the exit code; 0 after detaching
 */
export async function attachTerminal(target: ForegroundProcess, stdio: NodeJS.Process): Promise<number> {
  const undo: (() => void)[] = []
  // Taken at once: everything that is written belongs to this terminal, and the size is known before the start.
  const output = target.readable('stdout')
  followSize(target, stdio, undo)
  try {
    const printed = print(output, stdio, undo)
    await target.launched.promise
    const detached = readKeys(target, stdio, undo)
    const ended = target.ended.promise.then(({ exitCode }) => exitCode)
    const exitCode = await Promise.race([ended, detached])
    if (exitCode === undefined) {
      target.detach()
      return 0
    }
    await printed
    return exitCode
  } finally {
    for (const step of undo.reverse()) step()
  }
}

function followSize(target: ForegroundProcess, stdio: NodeJS.Process, undo: (() => void)[]): void {
  const { stdout } = stdio
  if (!stdout.isTTY) return
  const follow = (): void => {
    if (stdout.columns > 0 && stdout.rows > 0) target.resize({ columns: stdout.columns, rows: stdout.rows }).catch(() => {})
  }
  follow()
  stdout.on('resize', follow)
  undo.push(() => stdout.off('resize', follow))
}

/** Resolves when everything was handed to stdout. */
function print(output: Readable, stdio: NodeJS.Process, undo: (() => void)[]): Promise<void> {
  const { stdout } = stdio
  const done = deferred<void>()
  const proceed = (): void => {
    output.resume()
  }
  output.on('data', (chunk: Buffer) => {
    if (!stdout.write(chunk)) output.pause()
  })
  stdout.on('drain', proceed)
  // A reader that went away (`| head`) must not hold up the container.
  stdout.on('error', proceed)
  output.once('close', () => done.resolve())
  undo.push(() => {
    stdout.off('drain', proceed)
    stdout.off('error', proceed)
    output.destroy()
  })
  return done.promise
}

/** Resolves (with undefined) when the detach keys are typed; otherwise never. */
function readKeys(target: ForegroundProcess, stdio: NodeJS.Process, undo: (() => void)[]): Promise<undefined> {
  const { stdin } = stdio
  const { input } = target
  const detached = deferred<undefined>()
  const keys = new DetachKeys()
  let endsLine = true
  const type = (typed: Uint8Array): void => {
    const { pass, detached: leave } = stdin.isTTY ? keys.push(typed) : { pass: typed, detached: false }
    if (pass.length > 0) {
      endsLine = pass.at(-1) === 0x0a
      if (!input.write(pass)) stdin.pause()
    }
    if (leave) detached.resolve(undefined)
  }
  const proceed = (): void => {
    stdin.resume()
  }
  const end = (): void => {
    // In the middle of a line the first Ctrl-D only hands over what was typed of it.
    if (!endsLine) input.write(Uint8Array.of(4))
    input.end()
  }
  if (stdin.isTTY) makeRaw(stdio, undo)
  const wasFlowing = stdin.readableFlowing === true
  stdin.on('data', type)
  stdin.once('end', end)
  input.on('drain', proceed)
  undo.push(() => {
    input.off('drain', proceed)
    stdin.off('end', end)
    stdin.off('data', type)
    // A paused stdin does not hold the event loop.
    if (!wasFlowing) stdin.pause()
  })
  stdin.resume()
  if (stdin.readableEnded) end()
  return detached.promise
}

/** Keys as they are typed, none of them handled here. Undone at the process's end too, where an exit comes in between. */
function makeRaw(stdio: NodeJS.Process, undo: (() => void)[]): void {
  const { stdin } = stdio
  const wasRaw = stdin.isRaw
  const restore = (): void => {
    stdin.setRawMode(wasRaw)
  }
  stdin.setRawMode(true)
  stdio.once('exit', restore)
  undo.push(() => {
    stdio.off('exit', restore)
    restore()
  })
}
