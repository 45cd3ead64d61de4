import { createReadStream } from 'node:fs'
import { EngineError } from '../../src/errors/index.js'
import type { Host } from '../host/host.js'

const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }

/** Enough of what a program says to know what went wrong. */
const messageBytes = 2_000

/**
 * Copy a folder as it is: owners, modes, times, links, devices, attributes. By `cp`, started in the launcher's mount namespace: there the
 * source can be seen, and the thread is free meanwhile for other containers.
 *
 * @param target must not be there
 * @throws EngineError `resource_exhausted` when the disk is full, `not_found` without the program, `failed`
 */
export async function copyTree(host: Host, source: string, target: string): Promise<void> {
  const { read, write } = await host.pipe()
  let said = ''
  const output = createReadStream('', { fd: read, encoding: 'utf8' })
  const drained = new Promise<void>(resolve => output.on('close', resolve).on('error', () => {}))
  output.on('data', text => {
    said = `${said}${text}`.slice(0, messageBytes)
  })
  let code: number | null
  try {
    const process = await host.spawn({
      argv: ['cp', '-a', '-T', '--', source, target],
      env: environment,
      stdio: ['ignore', 'ignore', write]
    })
    host.closeFd(write)
    code = (await process.exited).code
  } catch (error) {
    host.closeFd(write)
    output.destroy()
    throw error
  }
  await drained
  if (code === 0) return
  const isFull = /No space left on device|Disk quota exceeded/.test(said)
  throw new EngineError(
    isFull ? 'resource_exhausted' : 'failed',
    `copying ${source} to the volume failed: ${said.trim() || `cp ended with ${code}`}`,
    {
      details: { source, target, exitCode: code }
    }
  )
}
