import { describe, expect, it } from 'vitest'
import { checkName, generateName } from '../../../../runtime/containers/container-names.js'
import { signalNumber } from '../../../../runtime/containers/signals.js'

describe('container names', () => {
  it('are generated in Docker’s shape', () => {
    for (let round = 0; round < 50; round++) expect(generateName()).toMatch(/^[a-z]+_[a-z]+$/)
    expect(generateName(2)).toMatch(/^[a-z]+_[a-z]+\d{1,2}$/)
  })

  it('lose a slash before them', () => {
    expect(checkName('/web.1')).toBe('web.1')
  })

  it.each(['', 'a', '-a', 'a b', 'ä', 'a/b'])('refuse %j', name => {
    expect(() => checkName(name)).toThrow(`Invalid container name (${name})`)
  })
})

describe('signalNumber', () => {
  it.each([
    ['SIGTERM', 15],
    ['term', 15],
    ['9', 9],
    ['SIGRTMIN+3', 37],
    ['RTMAX', 64]
  ])('reads %s', (text, number) => {
    expect(signalNumber(text)).toBe(number)
  })

  it.each(['SIGNOPE', '0', '65', '', '-1', 'RTMIN+99'])('refuses %j', text => {
    expect(() => signalNumber(text)).toThrow('Invalid signal')
  })
})
