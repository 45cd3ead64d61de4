/**
 * Change the values of a stream. In contrast to a generator it lets go of its source at once when it is left, also while the source is being
 * waited for.
 *
 * @param failed - what an error becomes: the last value. Without it the error is thrown.
 */
export function mapStream<T, U>(source: AsyncIterable<T>, map: (value: T) => U, failed?: (error: unknown) => U): AsyncIterable<U> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = source[Symbol.asyncIterator]()
      let isOver = false
      return {
        async next(): Promise<IteratorResult<U, undefined>> {
          if (isOver) return { done: true, value: undefined }
          try {
            const result = await iterator.next()
            return result.done ? { done: true, value: undefined } : { done: false, value: map(result.value) }
          } catch (error) {
            if (failed === undefined) throw error
            isOver = true
            return { done: false, value: failed(error) }
          }
        },
        async return(): Promise<IteratorResult<U, undefined>> {
          isOver = true
          await iterator.return?.()
          return { done: true, value: undefined }
        }
      }
    }
  }
}
