import fc from 'fast-check'

/** Places to cut a byte string at. */
export const splits = fc.array(fc.nat({ max: 400 }), { maxLength: 30 })

/** The bytes in pieces, cut at the given places; empty pieces too, since sockets never promise otherwise. */
export async function* split(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [0, ...[...cuts].sort((a, b) => a - b).filter(place => place <= bytes.length), bytes.length]
  for (let index = 1; index < places.length; index++) yield bytes.subarray(places[index - 1], places[index])
}

/** All values of a stream. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = []
  for await (const value of source) values.push(value)
  return values
}
