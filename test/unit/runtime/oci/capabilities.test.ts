import { describe, expect, it } from 'vitest'
import { capabilitiesOf, readBoundingSet } from '../../../../runtime/oci/capabilities.js'

const host = new Set(['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_SYS_ADMIN'])

describe('capabilitiesOf', () => {
  it('gives the default set, cut to what the host has', () => {
    expect(capabilitiesOf({ privileged: false, add: [], drop: [] }, host)).toEqual(['CAP_CHOWN', 'CAP_NET_RAW', 'CAP_KILL'])
  })

  it('gives everything the host has when privileged or told ALL', () => {
    expect(new Set(capabilitiesOf({ privileged: true, add: [], drop: ['ALL'] }, host))).toEqual(host)
    expect(new Set(capabilitiesOf({ privileged: false, add: ['all'], drop: [] }, host))).toEqual(host)
  })

  it('adds to nothing after dropping all', () => {
    expect(capabilitiesOf({ privileged: false, add: ['net_admin'], drop: ['ALL'] }, host)).toEqual(['CAP_NET_ADMIN'])
  })

  it('drops from all', () => {
    expect(capabilitiesOf({ privileged: false, add: ['ALL'], drop: ['CAP_SYS_ADMIN'] }, host)).not.toContain('CAP_SYS_ADMIN')
  })

  it('refuses a name that is no capability', () => {
    expect(() => capabilitiesOf({ privileged: false, add: ['FLY'], drop: [] }, host)).toThrow(
      'invalid CapAdd: unknown capability: "CAP_FLY"'
    )
  })

  it.skipIf(process.platform !== 'linux')('reads the bounding set of this process (needs Linux)', async () => {
    expect((await readBoundingSet()).size).toBeGreaterThan(0)
  })
})
