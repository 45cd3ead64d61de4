import type { CallScope } from './call-scope.js'

/**
 * What a call hands out as a stream: bound to the call's life, so that after an abort it throws the reason rather than
 * what is still buffered, and leaving it, even before the first value, gives the connection back.
 */
export function ownedStream<T>(source: AsyncIterable<T>, scope: CallScope, leave: () => void): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = source[Symbol.asyncIterator]()
      return {
        async next() {
          scope.throwIfEnded()
          const result = await iterator.next()
          if (!result.done) scope.throwIfEnded()
          return result
        },
        async return() {
          leave()
          await iterator.return?.()
          return { done: true, value: undefined }
        }
      }
    }
  }
}
