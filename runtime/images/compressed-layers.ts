/**
 * Where in table `meta` it stands what a plain layer became when it was pushed (`{ digest, size }`): the next push can ask whether a registry has
 * it before it is compressed. Nothing is lost with it.
 */
export function compressedKey(digest: string): string {
  return `compressed/${digest}`
}
