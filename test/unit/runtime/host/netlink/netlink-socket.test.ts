import { describe, expect, it } from 'vitest'
import { attribute, decodeMessages, encodeMessage, text } from '../../../../../runtime/host/netlink/message.js'
import { NetlinkSocket } from '../../../../../runtime/host/netlink/netlink-socket.js'
import { recordingKernel } from '../recording-kernel.js'

/** Acknowledges each request with the errno given for its step, in one datagram each. */
function answering(errnos: readonly number[], reason?: string) {
  const answers: Uint8Array[] = []
  return recordingKernel({
    send: (_fd, bytes) => {
      decodeMessages(bytes).forEach((request, index) => {
        const body = new Uint8Array(20)
        new DataView(body.buffer).setInt32(0, -(errnos[index] ?? 0), true)
        const parts = reason === undefined ? [body] : [body, attribute(1, text(reason))]
        answers.push(encodeMessage({ type: 2, flags: reason === undefined ? 0 : 0x200, sequence: request.sequence, parts }))
      })
    },
    receive: (_fd, into) => {
      const answer = answers.shift() ?? new Uint8Array()
      into.set(answer)
      return answer.byteLength
    }
  })
}

const request = (step: string) => ({ step, type: 16, flags: 0, parts: [new Uint8Array(16)] })

describe('requests to netlink', () => {
  it('are done when all are acknowledged', () => {
    new NetlinkSocket(answering([0, 0]), 0).request([request('one'), request('two')])
  })

  it('fail with the first refusal: its step, its errno, and the words of the kernel', () => {
    const socket = new NetlinkSocket(answering([0, 17, 19], 'no such thing'), 0)
    const all = () => socket.request([request('one'), request('two'), request('three')])
    expect(all).toThrow(
      expect.objectContaining({ errno: 'EEXIST', details: expect.objectContaining({ subject: 'two', reason: 'no such thing' }) })
    )
    // Every answer was taken: the next request does not get one of these.
    socket.request([])
  })
})
