/** A content digest, `sha256:` and 64 hexadecimal digits. */
export type Digest = `sha256:${string}`

/** Operating system and architecture of an image, `linux/arm64` or `linux/arm/v7`. */
export type Platform = 'linux/amd64' | 'linux/arm64' | (string & {})

/** A time span. A bare number is milliseconds. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`

/** An amount of bytes. A bare number is bytes; units are powers of 1024, as docker reads them. */
export type Size = number | `${number}${'b' | 'k' | 'm' | 'g'}`

/** A container's port; tcp where no protocol is named. */
export type PortSpec = number | `${number}/${'tcp' | 'udp' | 'sctp'}`

/** Settings of every call that waits for something. */
export interface Abortable {
  /** Ends the call; it rejects with the signal's reason. */
  signal?: AbortSignal
  /** Ends the call with a `deadline_exceeded` error when it has not ended by itself. */
  timeout?: Duration
}

/**
 * How to log in to a registry. `docker-config`: with what the docker CLI's configuration and credential helpers have for it, and anonymously where
 * they have nothing. `anonymous`: with nothing, whatever the engine was configured with.
 */
export type Auth = { username: string; password: string } | { identityToken: string } | 'docker-config' | 'anonymous'
