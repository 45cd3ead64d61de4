/** How to speak TLS with an engine on `tcp://`. The first three are PEM text, not paths. */
export interface TlsOptions {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string
  /** This client's certificate, with {@link key}. */
  readonly cert?: string
  readonly key?: string
  /**
   * Whether the engine's certificate must be valid for its host name.
   *
   * @default true
   */
  readonly verify?: boolean
}
