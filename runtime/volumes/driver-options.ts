import { EngineError } from '../../src/errors/index.js'

/** Where a volume's files are, when they are no folder of the data root. */
export type VolumeSource = BoundFolder | MountedFileSystem

/** A folder or file of the host that the caller named. */
export interface BoundFolder {
  readonly kind: 'bind'
  readonly device: string
  readonly readOnly: boolean
}

/** A file system that is mounted at the volume's folder while containers use it. */
export interface MountedFileSystem {
  readonly kind: 'mount'
  readonly type: string
  readonly device: string
  readonly options: readonly string[]
}

const known: ReadonlySet<string> = new Set(['type', 'o', 'device'])

/**
 * The options of Docker's `local` driver: `type`, `o` and `device`, as mount(8) takes them.
 *
 * @throws EngineError `invalid_argument`; `not_implemented` for file systems that are not mounted yet
 */
export function volumeSource(name: string, options: Readonly<Record<string, string>> | null | undefined): VolumeSource | undefined {
  const entries = Object.entries(options ?? {})
  if (entries.length === 0) return undefined
  for (const [key] of entries) {
    if (!known.has(key)) throw invalid(name, `create ${name}: invalid option: ${JSON.stringify(key)}`)
  }
  const { type = '', o = '', device = '' } = options ?? {}
  if (device === '') throw invalid(name, `create ${name}: missing required option: "device"`)
  const flags = o.split(',').filter(flag => flag !== '')
  const isBind = flags.includes('bind') || flags.includes('rbind') || type === 'bind'
  if (type === 'tmpfs') return { kind: 'mount', type, device, options: flags }
  if (!isBind) {
    throw new EngineError(
      'not_implemented',
      `DriverOpts.type: volumes of type ${JSON.stringify(type)} are not built yet in the in-process runtime`,
      {
        details: { field: 'DriverOpts.type', value: type }
      }
    )
  }
  const other = flags.find(flag => !['bind', 'rbind', 'ro', 'rw'].includes(flag))
  if (other !== undefined) {
    throw new EngineError('not_implemented', `the volume option ${JSON.stringify(other)} is not built yet with a bind`, {
      details: { field: 'DriverOpts.o', value: o }
    })
  }
  if (!device.startsWith('/')) throw invalid(name, `create ${name}: device ${JSON.stringify(device)} of a bind is not an absolute path`)
  return { kind: 'bind', device, readOnly: flags.includes('ro') }
}

function invalid(name: string, message: string): EngineError {
  return new EngineError('invalid_argument', message, { details: { volume: name } })
}
