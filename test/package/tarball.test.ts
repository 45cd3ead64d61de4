import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type InstalledPackage, installPackedPackage } from './installed-package.js'

let installed: InstalledPackage
beforeAll(async () => {
  installed = await installPackedPackage()
})
afterAll(() => installed?.remove())

describe('the packed tarball', () => {
  it('holds both formats of both entry points, with their types', () => {
    const wanted = ['index', 'api'].flatMap(name => ['js', 'cjs', 'd.ts', 'd.cts'].map(extension => `dist/${name}.${extension}`))
    expect(files()).toEqual(expect.arrayContaining(wanted))
  })

  it('holds the threads that are loaded by path', () => {
    expect(files()).toEqual(expect.arrayContaining(['dist/launcher-thread.js', 'dist/unpack-thread.js']))
  })

  it('holds the license, the readme and the changes', () => {
    expect(files()).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md', 'package.json']))
  })

  it('holds nothing else', () => {
    const known = /^(dist\/[^/]+\.(c?js|d\.c?ts)|LICENSE|README\.md|CHANGELOG\.md|package\.json)$/
    expect(files().filter(file => !known.test(file))).toEqual([])
  })

  it('is within its size budget: 1.2 MB packed, 5 MB unpacked', () => {
    expect(installed.packed.size).toBeLessThan(1_200_000)
    expect(installed.packed.unpackedSize).toBeLessThan(5_000_000)
  })
})

function files(): string[] {
  return installed.packed.files.map(file => file.path)
}
