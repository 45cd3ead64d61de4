import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { spreadFolders } from '../../../../runtime/host/spread-folders.js'
import { recordingKernel } from './recording-kernel.js'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-spread-'))
})

afterEach(() => rm(folder, { recursive: true }))

describe('spreadFolders', () => {
  it('adds one flag to those that are there', () => {
    const kernel = recordingKernel({ fileFlags: () => 0x80000 })
    spreadFolders(kernel, folder)
    expect(kernel.calls).toEqual([`flags ${0x80000 | 0x20000}`])
  })

  it('changes nothing where it is set', () => {
    const kernel = recordingKernel({ fileFlags: () => 0x20000 })
    spreadFolders(kernel, folder)
    expect(kernel.calls).toEqual([])
  })

  it('does without where the file system knows nothing of it', () => {
    const refuse = () => {
      throw new Error('EOPNOTSUPP')
    }
    expect(() => spreadFolders(recordingKernel({ setFileFlags: refuse }), folder)).not.toThrow()
    expect(() => spreadFolders(recordingKernel({ fileFlags: refuse }), folder)).not.toThrow()
  })
})
