import { EngineError } from '../errors/index.js'
import type { AuthConfig } from './definitions/auth-config.js'

/** The `X-Registry-Auth` header: {@link AuthConfig} as JSON in base64url, padded as Docker pads it. */
export function encodeRegistryAuth(auth: AuthConfig): string {
  return padded(Buffer.from(JSON.stringify(auth)).toString('base64url'))
}

/** The `X-Registry-Config` header of a build: credentials by registry. */
export function encodeRegistryConfig(auths: Readonly<Record<string, AuthConfig>>): string {
  return padded(Buffer.from(JSON.stringify(auths)).toString('base64url'))
}

/**
 * Read an `X-Registry-Auth` header. Base64 of either alphabet is taken, padded or not; an empty header means no credentials.
 *
 * @throws EngineError `invalid_argument`. The message never holds the header, because it holds a password.
 */
export function decodeRegistryAuth(header: string): AuthConfig {
  return decode(header, 'X-Registry-Auth') as AuthConfig
}

/**
 * Read an `X-Registry-Config` header, like {@link decodeRegistryAuth}.
 *
 * @throws EngineError `invalid_argument`
 */
export function decodeRegistryConfig(header: string): Readonly<Record<string, AuthConfig>> {
  return decode(header, 'X-Registry-Config') as Readonly<Record<string, AuthConfig>>
}

function decode(header: string, name: string): object {
  if (header === '') return {}
  const value = parsed(header)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new EngineError('invalid_argument', `the header ${name} is not a JSON object in base64: encode it with encodeRegistryAuth`)
  }
  return value
}

function parsed(header: string): unknown {
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8'))
  } catch {
    // Not even the parser's message may be kept: it quotes the text.
    return undefined
  }
}

function padded(text: string): string {
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}
