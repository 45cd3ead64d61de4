import { describe, expect, it } from 'vitest'
import { parsePids, removeCgroup, removeEmptyCgroup } from '../../../../runtime/host/cgroups.js'

const nowhere = { kind: 'v1', hierarchies: [{ version: 1, mountPoint: '/nowhere', controllers: [] }] } as const

describe('removing control groups', () => {
  it.each(['', '/', '/system.slice', '/gantry/../system.slice', 'gantry/a', '/gantry//a', '/gantry/.'])("refuses '%s'", async path => {
    await expect(removeCgroup(nowhere, path)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(removeEmptyCgroup(nowhere, path)).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('does nothing where there is none', async () => {
    await removeCgroup(nowhere, '/gantry/abc')
    await removeEmptyCgroup(nowhere, '/gantry')
  })

  it('kills no process of another pid namespace, which shows as 0', () => {
    expect(parsePids('0\n12\n\n345\n')).toEqual([12, 345])
  })
})
