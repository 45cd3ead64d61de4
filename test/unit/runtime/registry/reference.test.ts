import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonical, familiar, familiarName, parseReference } from '../../../../runtime/registry/reference.js'
import { EngineError } from '../../../../src/errors/index.js'

const hex = 'a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4'
const digest = `sha256:${hex}`

describe('parseReference', () => {
  // [given, canonical, familiar]: what distribution/reference gives for them.
  it.each([
    ['ubuntu', 'docker.io/library/ubuntu:latest', 'ubuntu:latest'],
    ['ubuntu:24.04', 'docker.io/library/ubuntu:24.04', 'ubuntu:24.04'],
    ['library/ubuntu', 'docker.io/library/ubuntu:latest', 'ubuntu:latest'],
    ['docker.io/ubuntu', 'docker.io/library/ubuntu:latest', 'ubuntu:latest'],
    ['docker.io/library/ubuntu', 'docker.io/library/ubuntu:latest', 'ubuntu:latest'],
    ['index.docker.io/library/ubuntu', 'docker.io/library/ubuntu:latest', 'ubuntu:latest'],
    ['index.docker.io/user/app:1', 'docker.io/user/app:1', 'user/app:1'],
    ['user/app', 'docker.io/user/app:latest', 'user/app:latest'],
    ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
    ['localhost:5000/a', 'localhost:5000/a:latest', 'localhost:5000/a:latest'],
    ['127.0.0.1:5000/a/b:x', '127.0.0.1:5000/a/b:x', '127.0.0.1:5000/a/b:x'],
    ['[fc00::1]:5000/docker', '[fc00::1]:5000/docker:latest', '[fc00::1]:5000/docker:latest'],
    ['[::1]/docker', '[::1]/docker:latest', '[::1]/docker:latest'],
    ['host.with.dot/a:tag', 'host.with.dot/a:tag', 'host.with.dot/a:tag'],
    [`host.with.dot/a:tag@${digest}`, `host.with.dot/a:tag@${digest}`, `host.with.dot/a:tag@${digest}`],
    [`busybox@${digest}`, `docker.io/library/busybox@${digest}`, `busybox@${digest}`],
    ['docker.io/a.b/c', 'docker.io/a.b/c:latest', 'docker.io/a.b/c:latest'],
    ['docker.io/library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest'],
    ['foo_bar.com:8080', 'docker.io/library/foo_bar.com:8080', 'foo_bar.com:8080'],
    ['foo/foo_bar.com:8080', 'docker.io/foo/foo_bar.com:8080', 'foo/foo_bar.com:8080'],
    ['foo__bar', 'docker.io/library/foo__bar:latest', 'foo__bar:latest'],
    ['a---b/c', 'docker.io/a---b/c:latest', 'a---b/c:latest'],
    ['lowercase:Uppercase', 'docker.io/library/lowercase:Uppercase', 'lowercase:Uppercase'],
    // A first part with capitals is a host name, since no repository may have them.
    ['Foo/bar', 'Foo/bar:latest', 'Foo/bar:latest'],
    [`a:${'t'.repeat(128)}`, `docker.io/library/a:${'t'.repeat(128)}`, `a:${'t'.repeat(128)}`]
  ])('reads %s', (text, whole, short) => {
    expect(canonical(parseReference(text))).toBe(whole)
    expect(familiar(parseReference(text))).toBe(short)
  })

  it.each([
    ['', /it is empty/],
    [hex, /64 hexadecimal digits/],
    ['Ubuntu', /repository name must be lowercase.*did you mean ubuntu\?/],
    ['docker.io/docker/Docker', /must be lowercase/],
    ['test:5000/Upper/lower:tag', /must be lowercase/],
    ['https://github.com/docker/docker', /no scheme: leave out https:\/\//],
    ['-docker', /not a repository name/],
    ['docker///docker', /not a repository name/],
    ['docker.io/docker/', /not a repository name/],
    ['a..b', /not a repository name/],
    ['a___b', /not a repository name/],
    ['-docker.io/docker/docker', /not a registry's host name/],
    ['fc00::1:5000/debian', /not a registry's host name/],
    ['[fe80::1%eth0]:5000/debian', /not a registry's host name/],
    ['foo_bar.com/x', /not a registry's host name/],
    ['ubu ntu', /white space/],
    ['ubuntu:', /tag after the colon is empty/],
    ['ubuntu:-x', /the tag "-x"/],
    ['ubuntu:a/b', /"ubuntu:a" is not a registry's host name/],
    ['docker.io/ubuntu:a/b', /the tag "a\/b"/],
    [`ubuntu:${'t'.repeat(129)}`, /the tag has 129 characters, 128 are allowed/],
    ['ubuntu@sha256:abc', /not of the form sha256:/],
    [`ubuntu@sha256:${hex.toUpperCase()}`, /not of the form sha256:/],
    [`ubuntu@md5:${hex}`, /not of the form sha256:/],
    ['ubuntu@', /not of the form sha256:/],
    [`a/${'b'.repeat(255)}`, /not be more than 255 characters/],
    ['x'.repeat(100_000), /it has 100000 characters/]
  ])('refuses %j and says why', (text, why) => {
    const failure = catchError(() => parseReference(text))
    expect(failure.code).toBe('invalid_argument')
    expect(failure.message).toMatch(/^invalid reference format/)
    expect(failure.message).toMatch(why)
  })

  it('shows a valid example', () => {
    expect(catchError(() => parseReference('UPPER:')).message).toContain('did you mean upper?')
    expect(catchError(() => parseReference('a b')).message).toContain('ubuntu:24.04')
  })
})

describe('reference properties', () => {
  const alphanumeric = fc.stringMatching(/^[a-z0-9]{1,8}$/)
  const component = fc
    .array(fc.tuple(alphanumeric, fc.constantFrom('.', '_', '__', '-', '--')), { maxLength: 2 })
    .chain(parts => alphanumeric.map(last => parts.map(([text, separator]) => text + separator).join('') + last))
  const path = fc.array(component, { minLength: 1, maxLength: 4 }).map(parts => parts.join('/'))
  const domain = fc.constantFrom('', 'docker.io/', 'index.docker.io/', 'localhost/', 'localhost:5000/', 'ghcr.io/', '[::1]:80/')
  const tag = fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/), { nil: undefined })
  const digests = fc.option(
    fc.stringMatching(/^[0-9a-f]{64}$/).map(text => `sha256:${text}`),
    { nil: undefined }
  )
  const references = fc
    .record({ domain, path, tag, digest: digests })
    .map(r => r.domain + r.path + (r.tag === undefined ? '' : `:${r.tag}`) + (r.digest === undefined ? '' : `@${r.digest}`))
    // Such a first part is read as a host name, and host names have no underscores.
    .filter(text => !/^[0-9a-f]{64}$/.test(text) && !/^[^/]*\.[^/]*\//.test(text.replace(/^(index\.)?docker\.io\/|^ghcr\.io\//, '')))

  it('both spellings of a reference mean the same reference', () => {
    fc.assert(
      fc.property(references, text => {
        const reference = parseReference(text)
        expect(parseReference(canonical(reference))).toEqual(reference)
        expect(parseReference(familiar(reference))).toEqual(reference)
      })
    )
  })

  it('a name never loses its repository', () => {
    fc.assert(
      fc.property(references, text => {
        const reference = parseReference(text)
        expect(canonical(reference)).toContain(familiarName(reference))
      })
    )
  })

  it('any text is either read or refused with invalid_argument', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-zA-Z0-9:@/._[\]-]{0,40}$/)), text => {
        try {
          const reference = parseReference(text)
          expect(parseReference(canonical(reference))).toEqual(reference)
        } catch (error) {
          expect(EngineError.is(error) && error.code).toBe('invalid_argument')
        }
      }),
      { numRuns: 500 }
    )
  })
})

function catchError(work: () => unknown): EngineError {
  try {
    work()
  } catch (error) {
    if (EngineError.is(error)) return error
    throw error
  }
  throw new Error('it did not throw')
}
