import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { removeTree, removeTreeSync } from '../../../../runtime/host/remove-tree.js'
import { temporaryFolders } from '../layers/temporary-folder.js'

const folder = temporaryFolders()

describe.each([
  ['removeTree', removeTree],
  ['removeTreeSync', async (top: string) => removeTreeSync(top)]
])('%s', (_, remove) => {
  it('removes a tree that is deeper than a path can say', async () => {
    const top = path.join(folder(), 'top')
    mkdirSync(top)
    const deep = `const fs = require('fs'); for (let at = 0; at < 600; at++) { fs.mkdirSync('0123456789'); process.chdir('0123456789'); fs.writeFileSync('f', '') }`
    execFileSync(process.execPath, ['-e', deep], { cwd: top })
    await remove(top)
    expect(existsSync(top)).toBe(false)
  })

  it('removes links and not what they lead to', async () => {
    const around = folder()
    mkdirSync(path.join(around, 'kept'))
    writeFileSync(path.join(around, 'kept/file'), '')
    mkdirSync(path.join(around, 'top'))
    symlinkSync('../kept', path.join(around, 'top/link'))
    await remove(path.join(around, 'top'))
    symlinkSync('kept', path.join(around, 'link'))
    await remove(path.join(around, 'link'))
    expect(readdirSync(around)).toEqual(['kept'])
    expect(readdirSync(path.join(around, 'kept'))).toEqual(['file'])
  })

  it('removes many files, a single file, and what is not there', async () => {
    const around = folder()
    const top = path.join(around, 'top')
    mkdirSync(top)
    // More than are looked at in one visit, folders among them.
    for (let at = 0; at < 2500; at++) writeFileSync(path.join(top, `${at}`), '')
    for (let at = 0; at < 1100; at++) mkdirSync(path.join(top, `folder-${at}`, 'below'), { recursive: true })
    await remove(top)
    writeFileSync(top, '')
    await remove(top)
    await remove(top)
    expect(readdirSync(around)).toEqual([])
  })
})
