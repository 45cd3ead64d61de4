import { describe, expect, it } from 'vitest'
import { explainReport, type HostReport, missingCapabilities, probeHost } from '../../../../runtime/host/probe.js'

const none: HostReport = {
  usable: true,
  missing: [],
  runtimePath: '/usr/bin/crun',
  nftPath: '/usr/sbin/nft',
  cgroups: { kind: 'v2', hierarchies: [] }
}

describe('a host report in words', () => {
  it('names the runtime where the host is usable', () => {
    expect(explainReport(none)).toEqual({ reason: 'this host can run containers, with /usr/bin/crun (cgroup v2)' })
  })

  it('says all that is missing, and each fix once', () => {
    const report: HostReport = {
      ...none,
      usable: false,
      missing: [
        { part: 'root', reason: 'not root', fix: 'sudo' },
        { part: 'oci-runtime', reason: 'no crun', fix: 'apt-get install crun' },
        { part: 'koffi', reason: 'no koffi', fix: 'sudo' }
      ]
    }
    expect(explainReport(report)).toEqual({
      reason: 'this host cannot run containers in this process: not root; no crun; no koffi',
      fix: 'sudo; apt-get install crun'
    })
  })
})

describe('capabilities', () => {
  it('are all missing from an ordinary user and none from root', () => {
    expect(missingCapabilities('CapEff:\t0000000000000000\n')).toContain('CAP_SYS_ADMIN')
    expect(missingCapabilities('CapEff:\t000001ffffffffff\n')).toEqual([])
    expect(missingCapabilities('CapEff:\t000001ffffdfffff\n')).toEqual(['CAP_SYS_ADMIN'])
  })
})

describe.skipIf(process.platform !== 'linux')('probing (needs Linux)', () => {
  it('says which runtime is not there and what to do', async () => {
    const report = await probeHost({ runtime: 'no-such-runtime' })
    expect(report.usable).toBe(false)
    expect(report.runtimePath).toBe('')
    expect(explainReport(report).reason).toContain("the OCI runtime 'no-such-runtime' is not")
  })

  it('takes a runtime by path, and no folder for one', async () => {
    expect((await probeHost({ runtime: process.execPath })).runtimePath).toBe(process.execPath)
    expect((await probeHost({ runtime: '/usr/bin' })).runtimePath).toBe('')
  })
})
