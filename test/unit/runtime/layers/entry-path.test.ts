import { describe, expect, it } from 'vitest'
import { entryPath, fromText, onDisk, splitPath } from '../../../../runtime/layers/entry-path.js'

describe('entryPath', () => {
  it.each([
    ['a/b', 'a/b'],
    ['./a/b', 'a/b'],
    ['/etc/passwd', 'etc/passwd'],
    ['a/b/', 'a/b'],
    ['a//b', 'a/b'],
    ['a/./b', 'a/b'],
    ['a/../b', 'b'],
    ['./', ''],
    ['.', ''],
    ['/', ''],
    ['..a/b..', '..a/b..'],
    ['.../x', '.../x']
  ])('reads %s as %s', (name, path) => {
    expect(entryPath(name)).toBe(path)
  })

  it.each(['../x', '..', 'a/../../x', '/../x', './../x'])('refuses %s, which leaves the root', name => {
    expect(() => entryPath(name)).toThrow(expect.objectContaining({ code: 'data_loss' }))
  })
})

describe('names as bytes', () => {
  it('become bytes on disk only where they are not ASCII', () => {
    expect(onDisk('plain')).toBe('plain')
    expect(onDisk('\xff\xfe')).toEqual(Buffer.from([0xff, 0xfe]))
    expect(onDisk(fromText('/tmp/é'))).toEqual(Buffer.from('/tmp/é'))
  })

  it('split at the last slash', () => {
    expect(splitPath('a/b/c')).toEqual(['a/b', 'c'])
    expect(splitPath('c')).toEqual(['', 'c'])
  })
})
