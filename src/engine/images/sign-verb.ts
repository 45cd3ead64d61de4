import { hostImageReference } from '../../api/host-image.js'
import { ImageSign, ImageSigningSubject, type SignatureFormat, type SignatureStorage } from '../../api/index.js'
import { EngineError } from '../../errors/index.js'
import { readSigningKey } from '../../signing/signing-key.js'
import { simpleSigningPayload } from '../../signing/simple-signing.js'
import { preAuthenticationEncoding, signingStatement } from '../../signing/statement.js'
import { checkAbortable, defaultDeadlineMs, openCallScope } from '../call-scope.js'
import { checkKeys, checkOneOf, checkTexts, optional } from '../checks.js'
import { callWith, type EngineContext } from '../context.js'
import type { Digest } from '../values.js'
import { checkAuth } from './check-auth.js'
import type { SignedImage, SignOptions } from './image.js'
import { registryOf, repositoryOf } from './image-reference.js'
import { inspectImage } from './pull-image.js'
import { resolveAuth } from './resolve-auth.js'

/** What to sign. */
export interface SigningRequest {
  readonly reference: string
  /** The image that it is meant to be; whatever the registry has, where it is absent. */
  readonly imageId?: Digest
}

/**
 * `sign`: a signature for what a reference stands for in its registry. The key does not leave this process: the engine tells the digest, and
 * writes what was signed here.
 */
export async function signVerb(context: EngineContext, request: SigningRequest, options: SignOptions): Promise<SignedImage> {
  const given = checkKeys('sign', options, ['keyPem', 'passphrase', 'format', 'storage', 'annotations', 'auth', 'signal', 'timeout'])
  const keyPem = checkSecret('sign.keyPem', given.keyPem)
  const passphrase = optional(checkSecret, 'sign.passphrase', given.passphrase)
  const format = given.format === undefined ? 'simple-signing' : checkOneOf('sign.format', given.format, ['simple-signing', 'bundle'])
  const storage = storageOf(given.storage, format)
  const annotations = optional(checkTexts, 'sign.annotations', given.annotations)
  const auth = optional(checkAuth, 'sign.auth', given.auth)
  const { reference } = request
  checkHasRegistry(reference)
  const limits = { timeoutMs: defaultDeadlineMs, ...checkAbortable('sign', given) }
  const scope = openCallScope(`signing of ${reference}`, limits, context.session.closing)
  try {
    const { signal } = scope
    const key = await readSigningKey('sign', keyPem, passphrase)
    const { header } = await resolveAuth(reference, auth, { registries: context.registries, signal })
    const call = { path: { name: reference }, ...(header !== undefined && { headers: { 'X-Registry-Auth': header } }) }
    const { Digest: digest } = await callWith(context, ImageSigningSubject, call, { signal })
    if (request.imageId !== undefined) await checkIsImage(context, { reference, imageId: request.imageId, digest })
    const claim = { registry: registryOf(reference), repository: repositoryOf(reference), digest, ...(annotations && { annotations }) }
    const payload = format === 'bundle' ? signingStatement(claim) : simpleSigningPayload(claim)
    const signature = key.sign(format === 'bundle' ? preAuthenticationEncoding(payload) : payload)
    const body = {
      Digest: digest,
      Payload: payload.toString('base64'),
      Signature: signature.toString('base64'),
      PublicKey: key.publicKeyPem,
      Format: format,
      Storage: storage
    }
    const signed = await callWith(context, ImageSign, { ...call, body }, { signal })
    const signatures = signed.Signatures.map(({ Storage, Reference, Added }) => ({ storage: Storage, reference: Reference, added: Added }))
    // The reason for the cast: the engine answers with the digest that was signed.
    return { digest: signed.Digest as Digest, publicKeyPem: key.publicKeyPem, signatures }
  } finally {
    scope.release()
  }
}

/** A tag may have been moved since the image came: nobody is to sign what they have not got. */
async function checkIsImage(
  context: EngineContext,
  { reference, imageId, digest }: { readonly reference: string; readonly imageId: Digest; readonly digest: string }
): Promise<void> {
  const [registry, repository] = [registryOf(reference), repositoryOf(reference)]
  const { RepoDigests } = await inspectImage(context, imageId)
  const here = (RepoDigests ?? []).filter(each => registryOf(each) === registry && repositoryOf(each) === repository)
  if (here.some(each => each.endsWith(`@${digest}`))) return
  const [known] = here
  const why =
    known === undefined
      ? `it is not known to be this image: push it first, or sign what is there with engine.image(${JSON.stringify(reference)}).sign(...)`
      : `this image is ${known.slice(known.indexOf('@') + 1)} there: name it so, or pull again`
  throw new EngineError('conflict', `cannot sign ${reference}: its registry has ${digest} under this name, and ${why}`, {
    details: { reference, digest, here }
  })
}

function storageOf(value: unknown, format: SignatureFormat): readonly SignatureStorage[] {
  const usual = format === 'bundle' ? 'referrers' : 'tag'
  const storage = value === undefined ? usual : checkOneOf('sign.storage', value, ['tag', 'referrers', 'both'])
  if (format === 'bundle' && storage !== 'referrers') {
    throw new EngineError('invalid_argument', "sign.storage: a bundle is always a referrer: leave it out, or say 'referrers'")
  }
  return storage === 'both' ? ['tag', 'referrers'] : [storage]
}

/** Messages never repeat what was given. */
function checkSecret(path: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new EngineError('invalid_argument', `${path}: expected text`, { details: { path } })
}

/** Neither an id nor this machine's files have a registry. */
function checkHasRegistry(reference: string): void {
  if (reference !== hostImageReference && !/^(sha256:[0-9a-f]+|[0-9a-f]{64})$/.test(reference)) return
  throw new EngineError('invalid_argument', `sign: name the image by its repository: ${reference} does not say where its signatures are`)
}
