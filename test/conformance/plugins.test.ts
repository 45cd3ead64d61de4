// Needs: root and the lab (test/lab).
import { PluginInspect, PluginList } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'

conform('plugins', {
  'there are none, and none has a name': async ({ engine }) => {
    expect(await engine.raw.call(PluginList, {})).toEqual([])
    await expectError(engine.raw.call(PluginInspect, { path: { name: 'nosuch' } }), 'not_found', /^plugin "nosuch" not found$/)
  }
})
