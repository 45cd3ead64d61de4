import { describe, expect, it } from 'vitest'
import { canReadOnlyRecursively, lastMountOptions, splitMountOptions } from '../../../../runtime/host/mount-options.js'
import { mountHolding, parseMountInfo } from '../../../../runtime/host/mount-table.js'

const table = parseMountInfo(`22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:25 / /mnt rw,relatime shared:5 - tmpfs tmpfs rw
31 30 0:26 / /mnt/with\\040space rw,relatime master:5 propagate_from:2 - tmpfs tmpfs rw
32 22 0:27 / /mnt rw shared:7 master:1 - tmpfs tmpfs rw
`)

describe('parseMountInfo', () => {
  it('reads places and propagation', () => {
    expect(table).toEqual([
      { mountPoint: '/', isShared: false, isSlave: false },
      { mountPoint: '/mnt', isShared: true, isSlave: false },
      { mountPoint: '/mnt/with space', isShared: false, isSlave: true },
      { mountPoint: '/mnt', isShared: true, isSlave: true }
    ])
  })

  it('finds the mount that holds a path: the longest, and of those the last', () => {
    expect(mountHolding('/mntx/a', table)?.mountPoint).toBe('/')
    expect(mountHolding('/mnt/with space/a', table)?.mountPoint).toBe('/mnt/with space')
    expect(mountHolding('/mnt', table)).toBe(table[3])
  })
})

describe('mount options', () => {
  it('become flags, and what is left is for the file system', () => {
    expect(splitMountOptions(['ro', 'nosuid', 'size=1m', 'noexec', 'exec', 'mode=700'])).toEqual({ flags: 0x3, data: 'size=1m,mode=700' })
  })

  it('count once, the last of those that contradict each other', () => {
    expect(lastMountOptions(['noexec', 'nosuid', 'nodev', 'exec', 'size=1m', 'size=2m'])).toEqual(['nosuid', 'nodev', 'exec', 'size=2m'])
  })

  it('reach below a mount from Linux 5.12 on', () => {
    expect(['5.11.9', '5.12.0-1-amd64', '6.1.0', '4.19.0'].map(canReadOnlyRecursively)).toEqual([false, true, true, false])
  })
})
