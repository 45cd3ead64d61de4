import { describe, expect, it } from 'vitest'
import { formFromResponse } from '../../../../src/transport/http/terminal.js'

describe('how output is written, as the response says it', () => {
  it.each([
    ['application/vnd.docker.multiplexed-stream', '1.42', 'framed'],
    ['application/vnd.docker.multiplexed-stream; charset=x', '1.41', 'framed'],
    ['application/vnd.docker.raw-stream', '1.42', 'raw'],
    ['application/vnd.docker.raw-stream', '1.41', undefined],
    ['text/html', '1.50', undefined],
    [undefined, '1.50', undefined]
  ] as const)('%s in API %s is %s', (type, version, form) => {
    expect(formFromResponse(type, version)).toBe(form)
  })
})
