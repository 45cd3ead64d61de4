import { createHash } from 'node:crypto'
import type { LocatePorts, SocketState } from '../../../../src/transport/locate/ports.js'

/** A machine described by values: files by path, sockets by path, everything else missing. */
export function fakePorts(machine: {
  readonly env?: Record<string, string>
  readonly files?: Record<string, string | Error>
  readonly sockets?: Record<string, SocketState>
  readonly platform?: NodeJS.Platform
  readonly uid?: number
}): LocatePorts {
  return {
    env: machine.env ?? {},
    homedir: machine.platform === 'win32' ? 'C:\\Users\\me' : '/home/me',
    platform: machine.platform ?? 'linux',
    uid: machine.platform === 'win32' ? undefined : (machine.uid ?? 1000),
    async readFile(path) {
      const file = machine.files?.[path]
      if (file instanceof Error) throw file
      return file
    },
    socketState: async path => machine.sockets?.[path] ?? 'missing'
  }
}

/** Where the docker CLI keeps a context. */
export function contextFiles(
  name: string,
  host: string,
  extra: { readonly tls?: Record<string, string>; readonly skipTlsVerify?: boolean; readonly folder?: string } = {}
): Record<string, string> {
  const folder = `${extra.folder ?? '/home/me/.docker'}/contexts`
  const id = createHash('sha256').update(name).digest('hex')
  const docker = { Host: host, SkipTLSVerify: extra.skipTlsVerify ?? false }
  const files: Record<string, string> = {
    [`${folder}/meta/${id}/meta.json`]: JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker } })
  }
  for (const [file, text] of Object.entries(extra.tls ?? {})) files[`${folder}/tls/${id}/docker/${file}`] = text
  return files
}
