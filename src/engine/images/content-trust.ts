/**
 * What Docker's environment asks for: with `DOCKER_CONTENT_TRUST` no unsigned image is pulled. Read for each pull, and as docker reads it: what
 * is neither true nor false is true.
 */
export function contentTrust(): 'reject-unsigned' | undefined {
  const value = process.env.DOCKER_CONTENT_TRUST
  return value === undefined || ['', '0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value) ? undefined : 'reject-unsigned'
}
