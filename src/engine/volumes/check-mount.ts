import { checkString, wrongSetting } from '../checks.js'
import { type CheckedMount, Source } from './mount-source.js'
import { VolumeHandle } from './volume-handle.js'

/** Check what is to be mounted, and where. */
export function checkMount(target: unknown, source: unknown): CheckedMount {
  const Target = checkString('mount', target, 'an absolute path in the container as text')
  if (!Target.startsWith('/')) throw wrongSetting('mount', 'an absolute path in the container', target)
  if (source instanceof VolumeHandle) return { mount: { Type: 'volume', Source: source.name, Target } }
  if (source instanceof Source && source.mount) return { mount: { ...source.mount, Target } }
  if (source instanceof Source && source.copied !== undefined) return { target: Target, copied: source.copied }
  throw wrongSetting('mount source', 'a volume of engine.volume(), host(), tmpfs() or copy()', source)
}
