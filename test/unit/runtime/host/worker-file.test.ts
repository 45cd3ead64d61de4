import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { workerFile } from '../../../../runtime/host/worker-file.js'

describe('workerFile', () => {
  it('is beside a built file, ESM or CJS', () => {
    expect(workerFile('file:///p/node_modules/gantry/dist/chunk-A1.js', 'x-thread').href).toBe(
      'file:///p/node_modules/gantry/dist/x-thread.js'
    )
    expect(workerFile('file:///p/dist/index.cjs', 'x-thread').href).toBe('file:///p/dist/x-thread.js')
  })

  it('is in dist of the package when the caller is a source', () => {
    const root = pathToFileURL(`${process.cwd()}/`)
    expect(workerFile(import.meta.url, 'x-thread').href).toBe(new URL('dist/x-thread.js', root).href)
  })
})
