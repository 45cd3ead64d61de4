import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { buildConnector } from 'undici'
import type { SshTarget } from './endpoint.js'
import { ProcessDuplex } from './process-duplex.js'

/** Seconds that ssh's shared connection outlives the last of its users: the bound on what a killed process leaves behind. */
const persistSeconds = 30

/**
 * Connects with the user's own ssh, so its configuration, keys, agent and jump hosts all count; over there
 * `docker system dial-stdio` joins its stdin and stdout to the engine's socket, as the docker CLI does it.
 *
 * All connections share one ssh connection (ControlMaster); its control socket lies in a folder only this user can enter.
 */
export function sshConnector(target: SshTarget): { readonly connect: buildConnector.connector; close(): Promise<void> } {
  let folder: string | undefined
  const removeFolder = (): void => {
    process.off('exit', removeFolder)
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    folder = undefined
  }
  const controlOptions = (): string[] => {
    if (process.platform === 'win32') return [] // its ssh has no multiplexing
    if (folder === undefined) {
      folder = mkdtempSync(join(tmpdir(), 'gantry-ssh-'))
      // Where close is never called the shared connection ends by itself, but its folder would stay.
      process.on('exit', removeFolder)
    }
    return ['-o', 'ControlMaster=auto', '-o', `ControlPath=${folder}/%C`, '-o', `ControlPersist=${persistSeconds}`]
  }
  return {
    connect(_options, callback) {
      const child = spawn('ssh', [...controlOptions(), ...sshArguments(target), ...dialCommand(target)], {
        stdio: ['pipe', 'pipe', 'pipe'],
        windowsHide: true
      })
      const refuse = (error: Error): void => callback(error, null)
      child.once('error', refuse)
      // 'spawn' is emitted on a later turn, which undici's connect needs: called back at once, it hangs.
      child.once('spawn', () => {
        child.off('error', refuse)
        // The reason for the cast: undici's client uses what a Duplex has, and ref and unref where they are.
        callback(null, new ProcessDuplex(child, 'ssh') as never)
      })
    },
    async close() {
      if (folder === undefined) return
      const options = ['-o', `ControlPath=${folder}/%C`, '-O', 'exit']
      // It fails where the shared connection is gone already, which is as well.
      await new Promise<void>(resolve => execFile('ssh', [...options, ...sshArguments(target)], () => resolve()))
      removeFolder()
    }
  }
}

function sshArguments(target: SshTarget): string[] {
  return [
    ...['-T', '-o', 'ConnectTimeout=30', '-o', 'BatchMode=yes'],
    ...(target.user === undefined ? [] : ['-l', target.user]),
    ...(target.port === undefined ? [] : ['-p', target.port]),
    ...['--', target.hostname]
  ]
}

function dialCommand(target: SshTarget): string[] {
  // The words are joined and given to a shell over there.
  const host = target.socketPath === undefined ? [] : ['--host', `'unix://${target.socketPath.replaceAll("'", "'\\''")}'`]
  return ['docker', ...host, 'system', 'dial-stdio']
}
