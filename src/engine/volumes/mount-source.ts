import { resolve } from 'node:path'
import type { Mount } from '../../api/definitions/mount.js'
import { EngineError } from '../../errors/index.js'
import { checkBoolean, checkCount, checkKeys, checkObject, checkOneOf, checkSize, checkString, optional, wrongSetting } from '../checks.js'
import type { Size } from '../values.js'

/** Something to mount in a container, besides a volume: what {@link host}, {@link tmpfs} and {@link copy} give. */
export interface MountSource {
  readonly kind: 'host' | 'tmpfs' | 'copy' | 'image'
}

/** How to mount a folder of the host. */
export interface HostMountOptions {
  /** @default false */
  readonly?: boolean
  /** @default 'rprivate' */
  propagation?: 'rprivate' | 'rslave' | 'rshared'
}

/** How to make a file system in memory. */
export interface TmpfsOptions {
  /** @default half of the memory */
  size?: Size
  /** Permission bits. @default 0o1777 */
  mode?: number
}

/** What is put in a container before it starts. */
export type CopySource = string | Readonly<Record<string, string | Uint8Array>>

/** The package's own {@link MountSource}s. */
export class Source implements MountSource {
  readonly kind: MountSource['kind']
  /** In the Engine API's spelling, without the target; undefined for what is copied. */
  readonly mount: Mount | undefined
  readonly copied: CopySource | undefined

  constructor(kind: MountSource['kind'], parts: { readonly mount?: Mount; readonly copied?: CopySource }) {
    this.kind = kind
    this.mount = parts.mount
    this.copied = parts.copied
    Object.freeze(this)
  }
}

/**
 * A file or folder of the engine's host, which has to exist: `docker run --mount type=bind`. A relative path is one of this process's
 * working directory.
 *
 * @throws EngineError `invalid_argument`
 */
export function host(path: string, options: HostMountOptions = {}): MountSource {
  const given = checkKeys('host', options, ['readonly', 'propagation'])
  const readonly = optional(checkBoolean, 'host.readonly', given.readonly) ?? false
  const propagation =
    given.propagation === undefined ? undefined : checkOneOf('host.propagation', given.propagation, ['rprivate', 'rslave', 'rshared'])
  const from = resolve(checkString('host', path, 'a path as text'))
  return new Source('host', {
    mount: { Type: 'bind', Source: from, ReadOnly: readonly, ...(propagation && { BindOptions: { Propagation: propagation } }) }
  })
}

/** A file system in memory: `docker run --tmpfs`. It is empty at each start. @throws EngineError `invalid_argument` */
export function tmpfs(options: TmpfsOptions = {}): MountSource {
  const given = checkKeys('tmpfs', options, ['size', 'mode'])
  const size = optional(checkSize, 'tmpfs.size', given.size)
  const mode = optional(checkCount, 'tmpfs.mode', given.mode)
  const TmpfsOptions = { ...(size !== undefined && { SizeBytes: size }), ...(mode !== undefined && { Mode: mode }) }
  return new Source('tmpfs', { mount: { Type: 'tmpfs', ...(Object.keys(TmpfsOptions).length > 0 && { TmpfsOptions }) } })
}

/**
 * A file or folder of this machine, or texts and bytes by path, copied into the container before it starts. In contrast to {@link host} it
 * works with engines elsewhere, and the container may do with it what it likes.
 *
 * @throws EngineError `invalid_argument`
 */
export function copy(source: string | Record<string, string | Uint8Array>): MountSource {
  if (typeof source === 'string') return new Source('copy', { copied: checkString('copy', source, 'a path as text') })
  const entries = Object.entries(checkObject('copy', source))
  for (const [path, data] of entries) {
    if (typeof data !== 'string' && !(data instanceof Uint8Array))
      throw wrongSetting(`copy[${JSON.stringify(path)}]`, 'text or bytes', data)
    const parts = path.split('/').filter(part => part !== '' && part !== '.')
    if (parts.length === 0 || parts.includes('..')) throw new EngineError('invalid_argument', `copy: ${path} is no path of a file`)
  }
  // The reason for the cast: every value was just checked.
  return new Source('copy', { copied: Object.fromEntries(entries) as Record<string, string | Uint8Array> })
}

/** Something to be done with a container's path: mount it, or copy it there. */
export type CheckedMount = { readonly mount: Mount } | { readonly target: string; readonly copied: CopySource }
