import { readSync } from 'node:fs'
import type { Host } from '../host/host.js'
import { runtimeEnvironment } from './runtime-environment.js'

/** How much of what it says is read: its version stands on the first line. */
const readBytes = 4096

/** What an OCI runtime says of its version, without its name: `1.8.1`; empty where it says nothing. */
export async function ociRuntimeVersion(host: Host, path: string): Promise<string> {
  const { read, write } = await host.pipe()
  let process: Awaited<ReturnType<Host['spawn']>>
  try {
    process = await host.spawn({ argv: [path, '--version'], env: runtimeEnvironment, stdio: ['ignore', write, 'ignore'] })
  } catch {
    host.closeFd(read)
    return ''
  } finally {
    host.closeFd(write)
  }
  try {
    // It says less than a pipe holds, so nothing is lost by reading after the end.
    await process.exited
    const chunk = Buffer.alloc(readBytes)
    const text = chunk.toString('utf8', 0, readSync(read, chunk, 0, readBytes, null))
    return /version:?\s+(\S+)/.exec(text)?.[1] ?? ''
  } catch {
    return ''
  } finally {
    host.closeFd(read)
  }
}
