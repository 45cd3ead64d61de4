import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { currentProcess } from '../../../../runtime/host/process-identity.js'
import { temporaryName } from '../../../../runtime/host/temporary-name.js'
import { Trash } from '../../../../runtime/host/trash.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-trash-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('takes a tree away at once and has deleted it when it is closed', async () => {
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'below'), { recursive: true })
  writeFileSync(join(tree, 'below', 'file'), '')
  const trash = new Trash(join(folder, 'trash'))
  trash.take(tree)
  expect(existsSync(tree)).toBe(false)
  await trash.close()
  expect(readdirSync(join(folder, 'trash'))).toEqual([])
})

it('does not mind what is gone already', async () => {
  const trash = new Trash(join(folder, 'trash'))
  trash.take(join(folder, 'nothing'))
  await trash.close()
})

it('sweeps what dead processes moved aside, and leaves what living ones did', async () => {
  const trash = new Trash(join(folder, 'trash'))
  const own = temporaryName(currentProcess())
  const dead = temporaryName({ pid: 4_194_303, startTime: '1@boot' })
  for (const name of [own, dead, 'stray']) mkdirSync(join(folder, 'trash', name))
  await trash.sweep()
  expect(readdirSync(join(folder, 'trash'))).toEqual([own])
})
