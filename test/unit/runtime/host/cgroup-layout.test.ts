import { describe, expect, it } from 'vitest'
import { parseCgroupLayout } from '../../../../runtime/host/cgroup-layout.js'

const v1 = (controller: string, path = `/sys/fs/cgroup/${controller}`) =>
  `31 30 0:26 / ${path} rw,nosuid shared:9 - cgroup cgroup rw,xattr,${controller}`
const v2 = (path: string) => `30 23 0:25 / ${path} rw,nosuid shared:8 - cgroup2 cgroup2 rw,nsdelegate`
const other = '23 28 0:22 / /sys rw,nosuid shared:7 - sysfs sysfs rw'

describe('the layout of control groups', () => {
  it.each([
    ['none', [other]],
    ['v1', [other, v1('memory'), v1('cpu,cpuacct')]],
    ['v2', [other, v2('/sys/fs/cgroup')]],
    ['hybrid', [v1('memory'), v2('/sys/fs/cgroup/unified')]]
  ] as const)('is %s', (kind, lines) => {
    expect(parseCgroupLayout(lines.join('\n'), () => '').kind).toBe(kind)
  })

  it('names controllers, without mount flags, and reads those of the second version from its tree', () => {
    const layout = parseCgroupLayout([v1('cpu,cpuacct'), v2('/sys/fs/cgroup/unified')].join('\n'), path =>
      path.endsWith('unified') ? 'hugetlb misc\n' : ''
    )
    expect(layout.hierarchies).toEqual([
      { version: 1, mountPoint: '/sys/fs/cgroup/cpu,cpuacct', controllers: ['cpu', 'cpuacct'] },
      { version: 2, mountPoint: '/sys/fs/cgroup/unified', controllers: ['hugetlb', 'misc'] }
    ])
  })

  it('counts a tree once, and reads blanks in its path', () => {
    const layout = parseCgroupLayout([v1('memory', '/a\\040b'), v1('memory', '/a\\040b')].join('\n'), () => '')
    expect(layout.hierarchies.map(one => one.mountPoint)).toEqual(['/a b'])
  })
})
