import { describe, expect, it } from 'vitest'
import { mergeSettings, parseConfig } from '../../../src/cli/config-file.js'
import { settingNames, tlsFiles } from '../../../src/cli/daemon-settings.js'
import { engineSettings } from '../../../src/cli/engine-settings.js'
import { foreignKeys } from '../../../src/cli/foreign-settings.js'

// Needs: nothing.

describe('the configuration file', () => {
  it('has the names of dockerd', () => {
    const text = JSON.stringify({
      hosts: ['unix:///run/a.sock'],
      'data-root': '/d',
      'registry-mirrors': ['https://m.example'],
      'insecure-registries': ['r.example:5000'],
      debug: true,
      'shutdown-timeout': 3,
      labels: ['a=b']
    })
    expect(parseConfig(text, 'x.json')).toEqual({
      hosts: ['unix:///run/a.sock'],
      root: '/d',
      registryMirrors: ['https://m.example'],
      insecureRegistries: ['r.example:5000'],
      debug: true,
      shutdownTimeoutSeconds: 3,
      labels: ['a=b']
    })
    expect(parseConfig(' \n', 'x.json')).toEqual({})
  })

  it("has dockerd's group of proxies, or its parts", () => {
    const proxies = { 'http-proxy': 'http://p:1', 'https-proxy': '', 'no-proxy': 'a,b' }
    const settings = { httpProxy: 'http://p:1', noProxy: 'a,b' }
    expect(parseConfig(JSON.stringify({ proxies }), 'x.json')).toEqual(settings)
    expect(parseConfig(JSON.stringify({ 'http-proxy': 'http://p:1', 'no-proxy': 'a,b' }), 'x.json')).toEqual(settings)
    expect(() => parseConfig('{"proxies":{"ftp-proxy":"x"}}', 'x.json')).toThrow(/don't match any configuration option: ftp-proxy/)
    expect(() => parseConfig('{"proxies":"x"}', 'x.json')).toThrow(/proxies \(in x\.json\): expected an object/)
    const conflict = () => mergeSettings({ httpProxy: 'http://u:hunter2@p' }, { httpProxy: 'http://u:hunter3@p' })
    expect(conflict).toThrow(/http-proxy: \(from flag/)
    expect(conflict).not.toThrow(/hunter/)
  })

  it('may say what is so anyway', () => {
    const text = JSON.stringify({
      'storage-driver': 'overlay2',
      'exec-opts': ['native.cgroupdriver=cgroupfs'],
      iptables: true,
      ipv6: false
    })
    expect(parseConfig(text, 'x.json')).toEqual({})
  })

  it('has nothing twice: settings, and what is none here', () => {
    const keys = Object.values(settingNames).map(({ key }) => key)
    expect(Object.keys(foreignKeys).filter(key => keys.includes(key as never))).toEqual([])
  })

  it.each([
    ['{"nonsense":1,"more":2}', /don't match any configuration option: nonsense, more/],
    ['{"storage-driver":"btrfs"}', /storage-driver \(in x\.json\): "btrfs" is not built yet; what it can be is "overlay2"/],
    ['{"exec-opts":["native.cgroupdriver=systemd"]}', /exec-opts .* is not built yet/],
    ['{"containerd":"/run/c"}', /containerd .* remove it/],
    ['{"debug":"yes"}', /debug \(in x\.json\): expected true or false, got "yes"/],
    ['{"hosts":"unix:///a"}', /hosts \(in x\.json\): expected a list of texts/],
    ['{"shutdown-timeout":1.5}', /shutdown-timeout .* whole number of seconds/],
    ['[]', /must hold a JSON object/],
    ['{', /is not JSON/]
  ])('%s is refused', (text, message) => {
    expect(() => parseConfig(text, 'x.json')).toThrow(message)
  })

  it('and a flag may not say different things, lists of registries and labels add up', () => {
    expect(() => mergeSettings({ debug: true, root: '/a' }, { root: '/b' })).toThrow(
      'the following directives are specified both as a flag and in the configuration file: data-root: (from flag: "/a", from file: "/b")'
    )
    expect(mergeSettings({ labels: ['a=1'], debug: true }, { labels: ['b=2'], root: '/b' })).toEqual({
      labels: ['a=1', 'b=2'],
      debug: true,
      root: '/b'
    })
  })
})

describe('settings', () => {
  it('labels are key=value, and a key has one value', () => {
    expect(engineSettings({ labels: ['a=b', 'a=b', 'c='] })).toEqual({ labels: ['a=b', 'a=b', 'c='] })
    expect(() => engineSettings({ labels: ['bad'] })).toThrow('bad attribute format: bad')
    expect(() => engineSettings({ labels: ['a=b', 'a=c'] })).toThrow('conflict labels for a=b and a=c')
  })

  it('TLS files mean nothing without --tlsverify', () => {
    expect(tlsFiles({})).toBeUndefined()
    expect(() => tlsFiles({ tlsCert: 'c' })).toThrow(/--tlsverify/)
    expect(tlsFiles({ tlsVerify: true, tlsCaCert: 'a', tlsCert: 'b', tlsKey: 'c' })).toEqual({ ca: 'a', cert: 'b', key: 'c' })
  })
})
