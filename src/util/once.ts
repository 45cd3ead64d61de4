/** Make a function that does its work on the first call and gives that call's answer (or promise) ever after. */
export function once<T>(work: () => T): () => T {
  let done: { readonly value: T } | undefined
  return () => {
    done ??= { value: work() }
    return done.value
  }
}
