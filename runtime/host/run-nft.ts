import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { EngineError } from '../../src/errors/engine-error.js'
import { spawnError } from './spawn-error.js'

/** Where `nft` is on systems whose ordinary PATH leaves it out. */
const systemFolders = '/usr/local/sbin:/usr/sbin:/sbin'

/** See `HostNetwork.nft`. */
export async function runNft(args: readonly string[], input: string): Promise<string> {
  const child = spawn('nft', [...args], {
    env: { PATH: `${process.env.PATH ?? ''}:${systemFolders}`, LC_ALL: 'C' },
    cwd: '/',
    stdio: 'pipe'
  })
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', cause => reject(spawnError('nft', '/', cause)))
    child.once('close', code => resolve(code))
  })
  // An nft that stops reading says why on standard error.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [code, output, errors] = await Promise.all([exited, text(child.stdout), text(child.stderr)])
  if (code === 0) return output
  throw new EngineError('failed', `nft ${args.join(' ')} failed: ${errors.trim()}`, { details: { program: 'nft', exitCode: code } })
}
