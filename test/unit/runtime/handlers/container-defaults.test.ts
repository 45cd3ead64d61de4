import { describe, expect, it } from 'vitest'
import { withDefaults } from '../../../../runtime/handlers/container-defaults.js'
import { defaultSettings } from '../../../../runtime/settings/engine-settings.js'

const on = (cgroups: 'v1' | 'v2' | 'hybrid') => ({ runtime: 'crun', cgroups, settings: defaultSettings })

describe('withDefaults', () => {
  it('gives a cgroup namespace of its own on hosts of version 2, to privileged containers too', () => {
    expect(withDefaults({}, on('v2')).CgroupnsMode).toBe('private')
    expect(withDefaults({ Privileged: true }, on('v2')).CgroupnsMode).toBe('private')
    expect(withDefaults({ CgroupnsMode: 'host' }, on('v2')).CgroupnsMode).toBe('host')
  })

  it("shares the host's cgroup namespace where there are hierarchies of version 1", () => {
    expect(withDefaults({}, on('v1')).CgroupnsMode).toBe('host')
    expect(withDefaults({}, on('hybrid')).CgroupnsMode).toBe('host')
    expect(withDefaults({ CgroupnsMode: 'private' }, on('v1')).CgroupnsMode).toBe('private')
  })

  it('says of what shares with the host that it is not labelled', () => {
    expect(withDefaults({ SecurityOpt: ['no-new-privileges'], PidMode: 'host' }, on('v1')).SecurityOpt).toEqual([
      'no-new-privileges',
      'label=disable'
    ])
    expect(withDefaults({}, on('v1')).SecurityOpt).toBeNull()
  })
})
