import type { Writable } from 'node:stream'
import { ImageDelete, ImageHistory, ImageTag } from '../../api/index.js'
import { checkBoolean, checkKeys, checkString, optional } from '../checks.js'
import { call, type EngineContext } from '../context.js'
import type { Image } from '../handles.js'
import type { Digest, PortSpec } from '../values.js'
import { saveVerb } from './archive-verbs.js'
import type { ImageDetails, ImageStep, SaveOptions, SignedImage, SignOptions } from './image.js'
import { digestOf, type ImageFacts } from './image-facts.js'
import { splitReference } from './image-reference.js'
import { ImageSpecHandle } from './image-spec-handle.js'
import { inspectImage } from './pull-image.js'
import { signVerb } from './sign-verb.js'
import type { SpecSettings } from './spec-settings.js'

/** An image that an engine has. */
export class ImageHandle extends ImageSpecHandle implements Image {
  readonly id: Digest
  readonly digest: Digest
  readonly tags: readonly string[]
  readonly sizeBytes: number
  readonly #context: EngineContext
  readonly #spec: SpecSettings

  constructor(context: EngineContext, spec: SpecSettings, facts: ImageFacts) {
    super(context, spec)
    this.#context = context
    this.#spec = spec
    // The reason for the cast: the Engine API's image id is a digest.
    this.id = facts.Id as Digest
    this.digest = digestOf(facts, spec.reference)
    this.tags = Object.freeze((facts.RepoTags ?? []).filter(tag => tag !== '<none>:<none>'))
    this.sizeBytes = facts.Size
    Object.freeze(this)
  }

  async inspect(): Promise<ImageDetails> {
    const { Config, RootFS, Created } = await inspectImage(this.#context, this.id)
    return {
      config: {
        env: Object.fromEntries((Config?.Env ?? []).map(splitVariable)),
        cmd: Config?.Cmd ?? [],
        // The reason for the casts: the Engine API writes ports as 80/tcp, and layers as digests.
        ports: Object.keys(Config?.ExposedPorts ?? {}) as PortSpec[]
      },
      layers: (RootFS.Layers ?? []) as readonly Digest[],
      created: new Date(Created ?? 0)
    }
  }

  async history(): Promise<readonly ImageStep[]> {
    const steps = await call(this.#context, ImageHistory, { path: { name: this.id } })
    return steps.map(({ CreatedBy, Size, Created }) => ({ createdBy: CreatedBy, sizeBytes: Size, created: new Date(Created * 1000) }))
  }

  async tag(reference: string): Promise<Image> {
    const { name, tag } = splitReference(checkString('tag', reference, 'an image reference as text'))
    await call(this.#context, ImageTag, { path: { name: this.id }, query: { repo: name, tag } })
    return new ImageHandle(this.#context, { ...this.#spec, reference }, await inspectImage(this.#context, reference))
  }

  async save(target: string | Writable, options: SaveOptions = {}): Promise<void> {
    await saveVerb(this.#context, this, target, options)
  }

  override sign(options: SignOptions): Promise<SignedImage> {
    return signVerb(this.#context, { reference: this.reference, imageId: this.id }, options)
  }

  async remove(options: { force?: boolean } = {}): Promise<void> {
    const given = checkKeys('remove', options, ['force'])
    const force = optional(checkBoolean, 'remove.force', given.force) ?? false
    await call(this.#context, ImageDelete, { path: { name: this.reference }, query: { force } })
  }
}

function splitVariable(variable: string): readonly [string, string] {
  const equals = variable.indexOf('=')
  return equals === -1 ? [variable, ''] : [variable.slice(0, equals), variable.slice(equals + 1)]
}
