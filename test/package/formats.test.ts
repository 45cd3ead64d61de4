import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type InstalledPackage, installPackedPackage } from './installed-package.js'

let installed: InstalledPackage
beforeAll(async () => {
  installed = await installPackedPackage()
})
afterAll(() => installed?.remove())

describe.each(['gantry', 'gantry/api'])('%s', entry => {
  it('exports the same names to import and to require, and they are the listed ones (vitest -u lists them)', async () => {
    const imported = await installed.run('names.mjs', `import * as m from '${entry}'; console.log(Object.keys(m).sort().join('\\n'))`)
    const required = await installed.run('names.cjs', `console.log(Object.keys(require('${entry}')).sort().join('\\n'))`)
    expect(required.stdout).toBe(imported.stdout)
    await expect(imported.stdout).toMatchFileSnapshot(`exported-names/${entry.replace('/', '-')}.txt`)
  })
})

it('an error of one format is recognised by the other', async () => {
  const program = `
    import * as esm from 'gantry'
    import { createRequire } from 'node:module'
    const cjs = createRequire(import.meta.url)('gantry')
    const error = new cjs.EngineError('not_found', 'x')
    console.log(JSON.stringify([cjs.EngineError === esm.EngineError, esm.EngineError.is(error)]))`
  const { stdout } = await installed.run('brand.mjs', program)
  expect(JSON.parse(stdout)).toEqual([false, true])
})

describe('importing the package', () => {
  const heavy = /node_modules\/(zod|undici|koffi|lmdb|yaml)\//

  it('by import loads no heavy dependency, and neither the runtime nor a transport', async () => {
    const { stdout } = await installed.run('light.mjs', "import 'gantry'", ['--import', loadRecorder()])
    expect(stdout).toContain('/gantry/dist/index.js')
    expect(stdout.split('\n').filter(url => heavy.test(url) || /dist\/(runtime|unpack|launcher)/.test(url))).toEqual([])
  })

  it('by require loads no heavy dependency, and neither the runtime nor a transport', async () => {
    const { stdout } = await installed.run('light.cjs', "require('gantry'); console.log(Object.keys(require.cache).join('\\n'))")
    expect(stdout).toContain('/gantry/dist/index.cjs')
    expect(stdout.split('\n').filter(file => heavy.test(file) || /dist\/(runtime|unpack|launcher)/.test(file))).toEqual([])
  })

  it('prints nothing, warns of nothing, and lets the process end', async () => {
    expect(await installed.run('quiet.mjs', "import 'gantry'; import 'gantry/api'")).toEqual({ stdout: '', stderr: '' })
    expect(await installed.run('quiet.cjs', "require('gantry'); require('gantry/api')")).toEqual({ stdout: '', stderr: '' })
  })
})

/** A module that prints the URL of everything that is loaded after it, one a line. */
function loadRecorder(): string {
  const hooks = `
    import { writeSync } from 'node:fs'
    export async function load(url, context, next) { writeSync(1, url + '\\n'); return next(url, context) }`
  writeFileSync(path.join(installed.project, 'hooks.mjs'), hooks)
  writeFileSync(
    path.join(installed.project, 'record.mjs'),
    "import { register } from 'node:module'\nregister('./hooks.mjs', import.meta.url)"
  )
  return './record.mjs'
}
