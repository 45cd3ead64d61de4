import { randomBytes } from 'node:crypto'
import { busyboxLayer, busyboxSettings } from '../../lab/images/busybox.js'
import { type ImageSettings, makeImage } from '../../lab/images/image.js'
import { type Layer, type LayerEntry, makeLayer } from '../../lab/images/layer.js'
import { push } from '../../lab/images/push.js'
import type { LabInfo } from '../../lab/lab.js'
import { findParts } from '../../lab/parts.js'

/** What to publish. */
export interface PublishOptions {
  /** `name:tag`, to give an existing name a new image. @default a name nobody has used */
  readonly name?: string
  /** Replaces busybox's `CMD ["sh"]`. */
  readonly settings?: ImageSettings
  /** Files of a layer on top of busybox; a random one is always there, so that no two images share it. */
  readonly entries?: readonly LayerEntry[]
}

let base: Promise<Layer> | undefined

/** Push a busybox image with a layer of its own to the lab's registry. Gives the reference. */
export async function publish(lab: LabInfo, options: PublishOptions = {}): Promise<string> {
  const address = lab.registry?.address ?? ''
  const mark = randomBytes(8).toString('hex')
  const { name = `fresh-${mark}:latest`, settings = busyboxSettings, entries = [] } = options
  base ??= busyboxBase()
  const own = await makeLayer([{ kind: 'file', path: 'mark', content: mark }, ...entries])
  const labels = { ...settings.Labels, 'lab.mark': mark }
  await push(address, name, makeImage([await base, own], { settings: { ...settings, Labels: labels } }))
  return `${address}/${name}`
}

async function busyboxBase(): Promise<Layer> {
  const { paths } = await findParts(['busybox'])
  return busyboxLayer(paths.get('busybox') ?? 'busybox')
}
