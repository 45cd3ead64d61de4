/** One block of a PEM text: RFC 7468. */
export interface PemBlock {
  /** `PUBLIC KEY`, `CERTIFICATE`, ... */
  readonly label: string
  /** The block with its two lines around it. */
  readonly text: string
}

const blockPattern = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g

/** The blocks of a PEM text, in order. What stands between them means nothing. */
export function pemBlocks(pem: string): readonly PemBlock[] {
  return [...pem.matchAll(blockPattern)].map(([text, label = '']) => ({ label, text }))
}
