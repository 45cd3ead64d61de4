import type { EngineError } from '../../src/errors/index.js'
import { isMountMode, parseMountMode } from './mount-mode.js'
import { cleanPath, invalid, mountDestination } from './mount-paths.js'
import { anonymousVolumeName } from './volume-name.js'
import type { BindMount, VolumeMount } from './volume-record.js'

/**
 * Docker's `--volume`: `/host/path:/destination[:options]`, `name:/destination[:options]`, or `/destination` for a volume without a name.
 *
 * @throws EngineError `invalid_argument`
 */
export function parseBind(bind: string): BindMount | VolumeMount {
  const parts = bind.split(':')
  const [source = '', target = '', mode = ''] = parts
  if (source === '' || parts.length > 3) throw unreadable(bind)
  if (parts.length === 1) return volume({ bind, name: undefined, destination: source, mode: '' })
  // `/data:ro` is a destination with options, which a volume without a name does not take.
  if (isMountMode(target)) throw unreadable(bind)
  return source.startsWith('/') ? hostPath({ bind, source, target, mode }) : volume({ bind, name: source, destination: target, mode })
}

function hostPath(parts: { readonly bind: string; readonly source: string; readonly target: string; readonly mode: string }): BindMount {
  const { bind, mode } = parts
  const { readOnly, propagation, noCopy } = parseMountMode(mode)
  const prefix = `invalid volume specification: '${bind}': invalid mount config for type "bind": `
  if (noCopy) throw invalid(`${prefix}field VolumeOptions must not be specified`, bind)
  return {
    type: 'bind',
    source: cleanPath(parts.source),
    destination: mountDestination(parts.target, prefix),
    mode,
    readOnly,
    propagation: propagation ?? 'rprivate',
    makesSource: true,
    recursive: true
  }
}

function volume(parts: {
  readonly bind: string
  readonly name: string | undefined
  readonly destination: string
  readonly mode: string
}): VolumeMount {
  const { bind, name } = parts
  const { readOnly, propagation, noCopy } = parseMountMode(parts.mode)
  const prefix = `invalid volume specification: '${bind}': invalid mount config for type "volume": `
  if (propagation !== undefined) throw invalid(`${prefix}field BindOptions must not be specified`, bind)
  return {
    type: 'volume',
    name: name ?? anonymousVolumeName(),
    anonymous: name === undefined,
    destination: mountDestination(parts.destination, prefix),
    // What Docker shows where nothing was asked for: volumes are shared between containers, in the words of SELinux.
    mode: parts.mode === '' ? 'z' : parts.mode,
    readOnly,
    copies: !noCopy
  }
}

function unreadable(bind: string): EngineError {
  return invalid(`invalid volume specification: '${bind}'`, bind)
}
