import { describe, expect, it } from 'vitest'
import { messageOf } from '../../../../src/transport/http/response-error.js'

describe('the text of an error', () => {
  it.each([
    ["Docker's JSON", '{"message":"No such container: x"}\n', 'No such container: x'],
    ["Podman's JSON", '{"cause":"no such container","message":"no container with name x","response":404}', 'no container with name x'],
    ['JSON without a message', '{"error":"x"}', '{"error":"x"}'],
    ['half of a JSON', '{"message":"No su', '{"message":"No su'],
    ['plain text', ' 404 page not found\n', '404 page not found'],
    [
      'a page',
      '<!DOCTYPE html><html><head><title>502</title><script>var x = "<b>"</script></head><body>Bad\n <b>gateway</b></body>',
      '502 Bad gateway'
    ],
    ['nothing', '', '']
  ])('of %s', (_what, body, text) => {
    expect(messageOf(body)).toBe(text)
  })

  it('is shortened', () => {
    expect(messageOf('x'.repeat(10_000))).toHaveLength(501)
  })
})
