import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mountOverlay, overlayOptions } from '../../../../runtime/host/overlay.js'
import { SystemCallError } from '../../../../runtime/host/system-call-error.js'
import { recordingKernel } from './recording-kernel.js'

describe('an overlay mount', () => {
  it('names its layers topmost first, in one call, where that fits', () => {
    const kernel = recordingKernel()
    mountOverlay(kernel, { lower: ['/b', '/a'], upper: '/u', work: '/w' }, '/t')
    expect(kernel.calls).toEqual(['mount overlay /t overlay 0 lowerdir=/b:/a,upperdir=/u,workdir=/w'])
  })

  it('without a writable layer has none in its options', () => {
    expect(overlayOptions({ lower: ['/b', '/a'] })).toBe('lowerdir=/b:/a')
  })

  it('of one layer is a read-only bind mount, undone when it cannot be made read-only', () => {
    const bind = recordingKernel()
    mountOverlay(bind, { lower: ['/a'] }, '/t')
    expect(bind.calls).toEqual(['mount /a /t  4096 ', 'mount  /t  4129 '])
    const failing = recordingKernel()
    const mount = failing.mount
    failing.mount = call => {
      mount(call)
      if (call.flags !== 4096) throw new SystemCallError('mount', 'EPERM', call.target)
    }
    expect(() => mountOverlay(failing, { lower: ['/a'] }, '/t')).toThrow(/EPERM/)
    expect(failing.calls.at(-1)).toBe('unmount /t 0')
  })

  it('of nothing is refused', () => {
    expect(() => mountOverlay(recordingKernel(), { lower: [] }, '/t')).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
})

describe.skipIf(process.platform !== 'linux')('an overlay mount that does not fit a page (needs Linux)', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gantry-overlay-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  it.each([
    ['many long paths', Array.from({ length: 127 }, (_, index) => `${'x'.repeat(100)}${index}`)],
    ['a path with a separator', ['a:b', 'c']]
  ])('names descriptors: %s', async (_, names) => {
    const lower = names.map(name => join(directory, name))
    for (const path of lower) await mkdir(path)
    const kernel = recordingKernel()
    mountOverlay(kernel, { lower }, '/t')
    expect(kernel.calls[0]).toBe('chdir /proc/thread-self/fd')
    expect(kernel.calls[1]).toMatch(new RegExp(`^mount overlay /t overlay 0 lowerdir=\\d+(:\\d+){${names.length - 1}}$`))
    expect(kernel.calls[2]).toBe('chdir /')
  })

  it('goes back to the root directory when the mount fails', async () => {
    const kernel = recordingKernel({
      mount: () => {
        throw new SystemCallError('mount', 'EINVAL', '/t')
      }
    })
    await mkdir(join(directory, 'a,b'))
    expect(() => mountOverlay(kernel, { lower: [join(directory, 'a,b'), directory] }, '/t')).toThrow(/EINVAL/)
    expect(kernel.calls).toEqual(['chdir /proc/thread-self/fd', 'chdir /'])
  })
})
