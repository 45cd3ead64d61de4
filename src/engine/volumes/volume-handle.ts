import { SystemDataUsage, VolumeCreate, VolumeDelete } from '../../api/index.js'
import { keepLabel, sessionLabel } from '../../api/labels.js'
import { EngineError } from '../../errors/index.js'
import { checkAbortable } from '../call-scope.js'
import { checkBoolean, checkKeys, checkString, checkTexts, optional } from '../checks.js'
import { call, callThrough, type EngineContext } from '../context.js'
import type { Abortable } from '../values.js'
import type { Volume, VolumeOptions } from './volume.js'

/** A volume of an engine. */
export class VolumeHandle implements Volume {
  readonly name: string
  readonly #context: EngineContext

  constructor(context: EngineContext, name: string) {
    this.name = name
    this.#context = context
    Object.freeze(this)
  }

  async usage(options: Abortable = {}): Promise<{ readonly sizeBytes: number }> {
    const limits = checkAbortable('usage', checkKeys('usage', options, ['signal', 'timeout']))
    const { VolumeUsage, Volumes } = await call(this.#context, SystemDataUsage, {}, limits)
    const found = (Volumes ?? VolumeUsage?.Items ?? []).find(({ Name }) => Name === this.name)
    if (found === undefined) throw new EngineError('not_found', `No such volume: ${this.name}`, { details: { volume: this.name } })
    const sizeBytes = found.UsageData?.Size ?? -1
    if (sizeBytes < 0) throw new EngineError('not_supported', `Its driver does not tell how much volume ${this.name} takes`)
    return { sizeBytes }
  }

  async remove(options: Abortable & { force?: boolean } = {}): Promise<void> {
    const given = checkKeys('remove', options, ['force', 'signal', 'timeout'])
    const force = optional(checkBoolean, 'remove.force', given.force) ?? false
    await call(this.#context, VolumeDelete, { path: { name: this.name }, query: { force } }, checkAbortable('remove', given))
    this.#context.session.forget('volume', this.name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeVolume(this.#context, this.name)
  }
}

/** `docker volume create`. One of that name that exists is given as it is, and is not the session's. */
export async function createVolume(context: EngineContext, name: unknown, options: VolumeOptions): Promise<Volume> {
  const given = checkKeys('volume', options, ['driver', 'options', 'label', 'keep', 'signal', 'timeout'])
  const { signal } = checkAbortable('volume', given)
  const Name = optional(checkString, 'volume', name)
  const driver = optional(checkString, 'volume.driver', given.driver)
  const driverOptions = optional(checkTexts, 'volume.options', given.options)
  const labels = optional(checkTexts, 'volume.label', given.label)
  const keep = optional(checkBoolean, 'volume.keep', given.keep) ?? false
  const { session } = context
  const body = {
    ...(Name !== undefined && { Name }),
    ...(driver !== undefined && { Driver: driver }),
    ...(driverOptions && { DriverOpts: driverOptions }),
    Labels: { ...labels, [sessionLabel]: session.id, ...(keep && { [keepLabel]: 'true' }) }
  }
  signal?.throwIfAborted()
  let made = ''
  await session.create('volume', keep, async () => {
    const volume = await callThrough(context, VolumeCreate, { body })
    made = volume.Name
    return volume.Labels?.[sessionLabel] === session.id ? made : undefined
  })
  return new VolumeHandle(context, made)
}

/** Remove a volume; one that is gone is fine. */
export async function removeVolume(context: EngineContext, name: string): Promise<void> {
  try {
    await callThrough(context, VolumeDelete, { path: { name }, query: {} })
  } catch (error) {
    if (!EngineError.is(error) || error.code !== 'not_found') throw error
  }
  context.session.forget('volume', name)
}
