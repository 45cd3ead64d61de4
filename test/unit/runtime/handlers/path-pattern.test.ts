import { describe, expect, it } from 'vitest'
import { pathPattern } from '../../../../runtime/handlers/path-pattern.js'

// Go's path/match_test.go, as far as names of images go.
const cases: readonly (readonly [pattern: string, text: string, matches: boolean | 'bad'])[] = [
  ['abc', 'abc', true],
  ['*', 'abc', true],
  ['*c', 'abc', true],
  ['a*', 'ab/c', false],
  ['a*/b', 'abc/b', true],
  ['a*/b', 'a/c/b', false],
  ['a*b*c*d*e*/f', 'axbxcxdxe/f', true],
  ['a*b*c*d*e*/f', 'axbxcxdxexxx/fff', false],
  ['a*b?c*x', 'abxbbxdbxebxczzy', false],
  ['ab[c]', 'abc', true],
  ['ab[b-d]', 'abc', true],
  ['ab[e-g]', 'abc', false],
  ['ab[^c]', 'abc', false],
  ['ab[^e-g]', 'abc', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'ab', false],
  ['a?b', 'a.b', true],
  ['a[^a]b', 'a.b', true],
  ['a???b', 'a.b', false],
  ['[a-ζ]*', 'α', true],
  ['a?b', 'a/b', false],
  ['a*b', 'a/b', false],
  ['[\\]a]', ']', true],
  ['[\\-]', '-', true],
  ['[x\\-]', 'x', true],
  ['[x\\-]', 'z', false],
  ['a.b', 'axb', false],
  ['a+', 'aa', false],
  ['(a|b)', 'a', false],
  ['registry:5000/*:1', 'registry:5000/x:1', true],
  ['[]a]', ']', 'bad'],
  ['[', 'a', 'bad'],
  ['[^', 'a', 'bad'],
  ['[^bc', 'a', 'bad'],
  ['a[', 'a', 'bad'],
  ['a\\', 'a', 'bad']
]

describe('a path pattern', () => {
  it('matches as path.Match of Go does', () => {
    for (const [pattern, text, expected] of cases) {
      if (expected === 'bad') {
        expect(() => pathPattern(pattern, 'reference'), pattern).toThrow(`invalid filter 'reference=${pattern}': syntax error in pattern`)
      } else expect([pattern, text, pathPattern(pattern, 'reference')(text)]).toEqual([pattern, text, expected])
    }
  })
})
