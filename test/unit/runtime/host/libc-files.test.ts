import { spawnSync } from 'node:child_process'
import { closeSync, lstatSync, openSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesThroughPrograms, libcFiles, nodeTypes } from '../../../../runtime/host/libc-files.js'
import { isRoot, temporaryFolders } from '../layers/temporary-folder.js'

const folder = temporaryFolders()
const hasAttributeTools = spawnSync('setfattr', ['--version']).status === 0
const place = () => Buffer.from(path.join(folder(), 'file'))

describe.skipIf(!isRoot).each([
  ['koffi', libcFiles],
  ['programs', filesThroughPrograms]
])('files through %s (needs root)', (_, open) => {
  it('makes devices and fifos', () => {
    const device = place()
    open().makeNode(device, nodeTypes.character | 0o600, { major: 300, minor: 70_000 })
    // 12 bits of major and 20 of minor, woven as in the kernel's interface.
    expect(lstatSync(device)).toMatchObject({ rdev: (0x12c << 8) | ((70_000 & 0xfff00) << 12) | (70_000 & 0xff) })
    const fifo = place()
    open().makeNode(fifo, nodeTypes.fifo | 0o600, { major: 0, minor: 0 })
    expect(lstatSync(fifo).isFIFO()).toBe(true)
  })

  it('says EEXIST where something stands already', () => {
    const file = place()
    writeFileSync(file, '')
    expect(() => open().makeNode(file, nodeTypes.character, { major: 0, minor: 0 })).toThrow(expect.objectContaining({ errno: 'EEXIST' }))
  })

  it('sets times of links themselves and of open files', () => {
    const link = place()
    symlinkSync('nowhere', link)
    open().setTimes(link, { seconds: 1_000_000_000, nanoseconds: 250_000_000 })
    expect(lstatSync(link, { bigint: true }).mtimeNs).toBe(1_000_000_000_250_000_000n)
    const file = place()
    const fd = openSync(file, 'w')
    open().setTimesOf(fd, { seconds: 5, nanoseconds: 500_000_000 })
    closeSync(fd)
    expect(lstatSync(file, { bigint: true }).mtimeNs).toBe(5_500_000_000n)
  })
})

describe.skipIf(!isRoot)('extended attributes (needs root)', () => {
  it.each([
    ['koffi', libcFiles, true],
    ['programs', filesThroughPrograms, hasAttributeTools]
  ])('are set and read through %s, binary and empty ones too', (_, open, isPossible) => {
    const file = place()
    writeFileSync(file, '')
    if (!isPossible) {
      expect(() => open().setAttribute(file, 'user.a', Buffer.from('x'))).toThrow(expect.objectContaining({ errno: 'ENOSYS' }))
      return
    }
    open().setAttribute(file, 'user.a', Buffer.from([0, 255, 10]))
    open().setAttribute(file, 'user.empty', Buffer.alloc(0))
    expect(Buffer.from(open().getAttribute(file, 'user.a') ?? []).toString('hex')).toBe('00ff0a')
    expect(open().getAttribute(file, 'user.empty')).toHaveLength(0)
    expect(open().getAttribute(file, 'user.none')).toBeUndefined()
  })
})
