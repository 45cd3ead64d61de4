/** Where the control groups of this machine are. */
export interface CgroupLayout {
  /** `hybrid`: v1 hierarchies with a v2 tree beside them. */
  readonly kind: 'v1' | 'v2' | 'hybrid' | 'none'
  /** Every mounted hierarchy, v2 included. */
  readonly hierarchies: readonly CgroupHierarchy[]
}

export interface CgroupHierarchy {
  readonly version: 1 | 2
  readonly mountPoint: string
  /** `memory`, `cpu`, `name=systemd`, ...; of a v2 tree those the kernel lets it have. */
  readonly controllers: readonly string[]
}

/**
 * Read the layout from `/proc/self/mountinfo` (proc(5)).
 *
 * @param readControllers the text of a v2 tree's `cgroup.controllers`
 */
export function parseCgroupLayout(mountInfo: string, readControllers: (mountPoint: string) => string): CgroupLayout {
  const hierarchies = mountInfo.split('\n').flatMap(line => hierarchyOf(line, readControllers) ?? [])
  // A tree that is mounted twice (a container's view beside the host's) is one.
  const distinct = hierarchies.filter((one, index) => hierarchies.findIndex(other => other.mountPoint === one.mountPoint) === index)
  return { kind: kindOf(distinct), hierarchies: distinct }
}

function kindOf(hierarchies: readonly CgroupHierarchy[]): CgroupLayout['kind'] {
  const first = hierarchies.some(hierarchy => hierarchy.version === 1)
  const second = hierarchies.some(hierarchy => hierarchy.version === 2)
  if (first && second) return 'hybrid'
  if (first) return 'v1'
  return second ? 'v2' : 'none'
}

/** `36 35 98:0 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory` */
function hierarchyOf(line: string, readControllers: (mountPoint: string) => string): CgroupHierarchy | undefined {
  const [before = '', after = ''] = line.split(' - ')
  const [type, , options = ''] = after.split(' ')
  const mountPoint = unescapeMountPath(before.split(' ')[4] ?? '')
  if (type === 'cgroup2') return { version: 2, mountPoint, controllers: words(readControllers(mountPoint)) }
  if (type !== 'cgroup') return undefined
  const flags = new Set(['rw', 'ro', 'xattr', 'clone_children', 'noprefix', 'cpuset_v2_mode', 'release_agent'])
  return { version: 1, mountPoint, controllers: options.split(',').filter(option => !flags.has(option.split('=')[0] ?? '')) }
}

/** Blanks and backslashes in paths are octal there: `\040`. */
function unescapeMountPath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

function words(text: string): string[] {
  return text.split(/\s+/).filter(word => word !== '')
}
