import type { Handlers } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import { registryAuthOf } from './registry-auth-header.js'

/** The operations that write signatures of images. */
export function signHandlers({ images }: Pick<ContainerContext, 'images'>): Handlers {
  return {
    async ImageSigningSubject({ path, headers }, { signal }) {
      return { Digest: await images.signingSubject(path.name, optionsOf(headers, signal)) }
    },

    async ImageSign({ path, headers, body }, { signal }) {
      const signed = {
        digest: body.Digest,
        payload: bytesOf('Payload', body.Payload),
        signature: bytesOf('Signature', body.Signature),
        publicKeyPem: body.PublicKey,
        format: body.Format ?? 'simple-signing',
        storage: body.Storage?.length ? body.Storage : [body.Format === 'bundle' ? ('referrers' as const) : ('tag' as const)]
      }
      const { digest, signatures } = await images.sign(path.name, signed, optionsOf(headers, signal))
      return {
        Digest: digest,
        Signatures: signatures.map(({ storage, reference, added }) => ({ Storage: storage, Reference: reference, Added: added }))
      }
    }
  }
}

function optionsOf(headers: { readonly 'X-Registry-Auth'?: string | undefined } | undefined, signal: AbortSignal) {
  const auth = registryAuthOf(headers?.['X-Registry-Auth'])
  return { signal, ...(auth && { auth }) }
}

function bytesOf(field: string, text: string): Buffer {
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return Buffer.from(text, 'base64')
  throw new EngineError('invalid_argument', `${field}: expected base64`, { details: { field: `body.${field}` } })
}
