import { describe, expect, it } from 'vitest'
import { hostsFile, resolvConf } from '../../../../runtime/containers/container-files.js'

const none = { nameservers: [], searchDomains: [], resolverOptions: [] }

describe('resolvConf', () => {
  it('keeps the host’s servers, search domains and options', () => {
    expect(resolvConf('# x\nnameserver 10.0.0.2\nsearch a b\noptions ndots:2\n', none)).toBe(
      'nameserver 10.0.0.2\nsearch a b\noptions ndots:2\n'
    )
  })

  it('leaves out servers on the host’s loopback, and falls back as Docker does', () => {
    expect(resolvConf('nameserver 127.0.0.53\nnameserver ::1\nnameserver 10.0.0.2\n', none)).toBe('nameserver 10.0.0.2\n')
    expect(resolvConf('nameserver 127.0.0.53\n', none)).toBe('nameserver 8.8.8.8\nnameserver 8.8.4.4\n')
  })

  it('replaces what the container asks for', () => {
    const asked = { nameservers: ['9.9.9.9'], searchDomains: ['x'], resolverOptions: ['rotate'] }
    expect(resolvConf('nameserver 10.0.0.2\nsearch a\noptions ndots:2\n', asked)).toBe('search x\nnameserver 9.9.9.9\noptions rotate\n')
  })
})

describe('hostsFile', () => {
  it('knows the container by its name, and the extra hosts, IPv6 ones too', () => {
    const text = hostsFile({
      ...none,
      hostname: 'box',
      domainname: 'lan',
      addresses: ['172.17.0.2'],
      extraHosts: ['db:10.0.0.9', 'six:fe80::1']
    })
    expect(text).toContain('127.0.0.1\tlocalhost\n')
    expect(text).toContain('10.0.0.9\tdb\n')
    expect(text).toContain('fe80::1\tsix\n')
    expect(text).toMatch(/172\.17\.0\.2\tbox\.lan box\n$/)
  })

  it('has no line for itself without a network', () => {
    expect(hostsFile({ ...none, hostname: 'box', addresses: [], extraHosts: [] })).not.toContain('box')
  })
})
