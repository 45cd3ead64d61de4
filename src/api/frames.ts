import { EngineError } from '../errors/index.js'
import type { Frame } from './operation.js'

// A frame as dockerd writes it (moby's stdcopy):
//
//   0        1..3   4..7                 8..
//   stream   0      length, big endian   payload
//
// Streams: 0 stdin, 1 stdout, 2 stderr, 3 an error of the engine (its payload is the message).

/** Bytes before a frame's payload. */
export const frameHeaderLength = 8

const streams = ['stdin', 'stdout', 'stderr'] as const
const systemError = 3

/** The longest error message that is kept; a corrupt length must not make the decoder hoard. */
const messageLimit = 64 * 1024

/** The header of a frame with a payload of `length` bytes. */
export function encodeFrameHeader(stream: Frame['stream'], length: number): Uint8Array {
  const header = Buffer.alloc(frameHeaderLength)
  header[0] = streams.indexOf(stream)
  header.writeUInt32BE(length, 4)
  return header
}

/** A frame as one piece. */
export function encodeFrame(frame: Frame): Uint8Array {
  return Buffer.concat([encodeFrameHeader(frame.stream, frame.data.length), frame.data])
}

/**
 * Take frames apart. Pieces of a payload are given on as they arrive, so a frame of any length costs no memory, and one frame may
 * become several; headers and payloads may be split anywhere.
 *
 * @throws EngineError `data_loss` where the stream ends inside a frame or is not framed at all; `failed` with the engine's words where
 * the engine reports an error in the stream.
 */
export async function* decodeFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Frame, void, undefined> {
  const header = Buffer.alloc(frameHeaderLength)
  let headerBytes = 0
  let stream: number = 0
  let remaining = 0
  let message: Uint8Array[] = []
  let messageBytes = 0
  for await (const chunk of source) {
    let offset = 0
    while (offset < chunk.length) {
      if (headerBytes < frameHeaderLength) {
        const taken = Math.min(frameHeaderLength - headerBytes, chunk.length - offset)
        header.set(chunk.subarray(offset, offset + taken), headerBytes)
        headerBytes += taken
        offset += taken
        if (headerBytes < frameHeaderLength) break
        stream = streamOf(header)
        remaining = header.readUInt32BE(4)
      } else {
        const piece = chunk.subarray(offset, offset + remaining)
        offset += piece.length
        remaining -= piece.length
        if (stream !== systemError) yield { stream: streams[stream] as Frame['stream'], data: piece }
        else if (messageBytes < messageLimit) {
          message.push(piece)
          messageBytes += piece.length
        }
      }
      if (headerBytes === frameHeaderLength && remaining === 0) {
        if (stream === systemError)
          throw new EngineError('failed', `the engine ended the stream: ${Buffer.concat(message).toString('utf8').trim()}`)
        headerBytes = 0
        message = []
      }
    }
  }
  if (headerBytes === 0) return
  const missing =
    headerBytes < frameHeaderLength ? `${frameHeaderLength - headerBytes} bytes of a header` : `${remaining} bytes of a payload`
  throw new EngineError('data_loss', `the output ended inside a frame: ${missing} are missing`, { details: { missing } })
}

function streamOf(header: Buffer): number {
  const stream = header[0] as number
  if (stream <= systemError && header[1] === 0 && header[2] === 0 && header[3] === 0) return stream
  const seen = header.toString('hex')
  throw new EngineError('data_loss', `the output is not framed: ${seen} is not the header of a frame. Does the process have a terminal?`, {
    details: { header: seen }
  })
}
