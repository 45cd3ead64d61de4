import { describe, expect, it } from 'vitest'
import { parseReference } from '../../../../runtime/registry/reference.js'
import { CompiledRules } from '../../../../runtime/trust/trust-rules.js'

// Needs: nothing.

const rules = new CompiledRules({
  '*': 'reject',
  '*.example.com': 'accept',
  '*.eu.example.com': 'reject',
  'ghcr.io': 'accept',
  'ghcr.io/owner/*': 'reject',
  'ghcr.io/owner/tools/*': 'accept',
  'ghcr.io/owner/tools/old': 'reject',
  'localhost:5000/*': 'accept',
  ubuntu: 'accept',
  'library/*': 'reject-unsigned',
  'docker.io/somebody/*': 'accept'
})

describe('rules by repository', () => {
  it.each([
    ['quay.io/a/b', '*'],
    ['r.example.com/a', '*.example.com'],
    ['r.eu.example.com/a', '*.eu.example.com'],
    ['example.com/a', '*'],
    ['ghcr.io/other/app:1', 'ghcr.io'],
    ['ghcr.io/owner/app', 'ghcr.io/owner/*'],
    ['ghcr.io/ownership/app', 'ghcr.io'],
    ['ghcr.io/owner', 'ghcr.io'],
    ['ghcr.io/owner/tools/new', 'ghcr.io/owner/tools/*'],
    ['ghcr.io/owner/tools/old:7', 'ghcr.io/owner/tools/old'],
    ['localhost:5000/x', 'localhost:5000/*'],
    ['localhost:5001/x', '*'],
    ['ubuntu:24.04', 'ubuntu'],
    ['docker.io/library/ubuntu', 'ubuntu'],
    ['index.docker.io/library/busybox', 'library/*'],
    ['busybox', 'library/*'],
    ['somebody/app', 'docker.io/somebody/*'],
    ['nobody/app', '*'],
    // A rule must not be walked around by another spelling of the same registry.
    ['GHCR.IO/owner/app', 'ghcr.io/owner/*'],
    ['ghcr.io:443/owner/app', 'ghcr.io/owner/*'],
    ['Ghcr.io:80/other/app', 'ghcr.io'],
    ['R.EU.Example.com:443/a', '*.eu.example.com'],
    ['registry-1.docker.io/library/busybox', 'library/*'],
    ['INDEX.docker.io/somebody/app', 'docker.io/somebody/*'],
    ['ghcr.io:8443/owner/app', '*']
  ])('for %s the rule of %s counts, the most specific one', (reference, pattern) => {
    expect(rules.find(parseReference(reference))?.pattern).toBe(pattern)
  })

  it('say nothing of what none of them is for', () => {
    expect(new CompiledRules({ 'ghcr.io': 'reject' }).find(parseReference('busybox'))).toBeUndefined()
  })

  it('stand under registries in any spelling', () => {
    const spelled = new CompiledRules({
      'GHCR.io:443': 'reject',
      'Quay.IO/owner/*': 'reject',
      '*.Example.COM': 'reject',
      'registry-1.docker.io': 'reject'
    })
    const found = ['ghcr.io/a', 'quay.io/owner/app', 'r.example.com/a', 'busybox'].map(text => spelled.find(parseReference(text))?.pattern)
    expect(found).toEqual(['GHCR.io:443', 'Quay.IO/owner/*', '*.Example.COM', 'registry-1.docker.io'])
  })

  it.each(['a*', '*/x', 'ghcr.io/*/app', 'ghcr.io/Owner', 'ghcr.io/a:1', 'ghcr.io/a@sha256:aa', '', '/', 'http://ghcr.io/a'])(
    'are refused under the pattern %j',
    pattern => {
      expect(() => new CompiledRules({ [pattern]: 'reject' })).toThrow(/trust\[".*"\]: the pattern is not one of/)
    }
  )
})
