import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  attribute,
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  nested,
  readText,
  readUint32,
  text,
  uint32
} from '../../../../../runtime/host/netlink/message.js'

describe('netlink messages', () => {
  it('come out as they went in, whatever their lengths', () => {
    const part = fc.uint8Array({ maxLength: 40 })
    const message = fc.record({ type: fc.integer({ min: 16, max: 0xffff }), sequence: fc.nat(), payload: part })
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), messages => {
        const datagram = Buffer.concat(
          messages.map(({ type, sequence, payload }) => encodeMessage({ type, flags: 5, sequence, parts: [payload] }))
        )
        expect(decodeMessages(datagram).map(one => ({ ...one, payload: [...one.payload] }))).toEqual(
          messages.map(one => ({ ...one, flags: 5, payload: [...one.payload] }))
        )
      })
    )
  })

  it('that are cut off are left out, and lengths that lie end the list', () => {
    const whole = encodeMessage({ type: 16, flags: 0, sequence: 1, parts: [new Uint8Array(8)] })
    expect(decodeMessages(whole.subarray(0, 20))).toEqual([])
    const lying = whole.slice()
    lying.set([0, 0, 0, 0])
    expect(decodeMessages(lying)).toEqual([])
  })

  it('carry attributes padded to four bytes', () => {
    const bytes = Buffer.concat([attribute(3, text('eth0')), attribute(4, uint32(1500))])
    expect(bytes).toHaveLength(20)
    const attributes = decodeAttributes(bytes)
    expect(readText(attributes.get(3))).toBe('eth0')
    expect(readUint32(attributes.get(4))).toBe(1500)
  })

  it('carry attributes in attributes', () => {
    const outer = decodeAttributes(nested(18, [attribute(1, text('veth')), nested(2, [attribute(1, uint32(7))])]))
    const inner = decodeAttributes(outer.get(18) ?? new Uint8Array())
    expect(readText(inner.get(1))).toBe('veth')
    expect(readUint32(decodeAttributes(inner.get(2) ?? new Uint8Array()).get(1))).toBe(7)
  })

  it('of any bytes are read without an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        decodeMessages(bytes)
        decodeAttributes(bytes)
      })
    )
  })
})
