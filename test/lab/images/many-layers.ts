import { type Layer, type LayerEntry, makeLayer } from './layer.js'

/** What a container of a many-layer image finds below `/layers`, for the tests to compare with. */
export const manyLayersContent = {
  /** Written by layer 10, removed by layer 40. */
  removed: '/layers/010',
  /** Written by layer 20 with `a` and `b`, made opaque by layer 60, which adds `c`. */
  opaque: '/opaque',
  opaqueNames: ['c'],
  /** A folder from layer 30 that layer 80 makes a file. */
  becameFile: '/changing',
  /** A file that layers 50, 70 and 90 write anew. */
  rewritten: '/rewritten',
  rewrittenContent: 'layer 90\n',
  /** A hard link, made in layer 100, to a file of the same layer. */
  hardlink: '/layers/100-link',
  hardlinkContent: 'layer 100\n'
} as const

/**
 * Small layers to stack on busybox: the n-th writes `/layers/<nnn>`, and some remove, hide or change what earlier ones
 * wrote. `count` layers, numbered from 1.
 */
export async function manyLayers(count: number): Promise<Layer[]> {
  const layers: Layer[] = []
  for (let number = 1; number <= count; number++) layers.push(await makeLayer(entriesOf(number)))
  return layers
}

function entriesOf(number: number): LayerEntry[] {
  const name = String(number).padStart(3, '0')
  const content = `layer ${number}\n`
  const own: LayerEntry[] = [
    { kind: 'folder', path: 'layers' },
    { kind: 'file', path: `layers/${name}`, content }
  ]
  return [...own, ...specials(number, name, content)]
}

function specials(number: number, name: string, content: string): LayerEntry[] {
  switch (number) {
    case 20:
      return [
        { kind: 'folder', path: 'opaque' },
        { kind: 'file', path: 'opaque/a', content },
        { kind: 'file', path: 'opaque/b', content }
      ]
    case 30:
      return [
        { kind: 'folder', path: 'changing' },
        { kind: 'file', path: 'changing/inside', content }
      ]
    case 40:
      return [{ kind: 'file', path: 'layers/.wh.010', content: '' }]
    case 50:
    case 70:
    case 90:
      return [{ kind: 'file', path: 'rewritten', content }]
    case 60:
      return [
        { kind: 'folder', path: 'opaque' },
        { kind: 'file', path: 'opaque/.wh..wh..opq', content: '' },
        { kind: 'file', path: 'opaque/c', content }
      ]
    case 80:
      return [{ kind: 'file', path: 'changing', content }]
    case 100:
      return [{ kind: 'hardlink', path: `layers/${name}-link`, to: `layers/${name}` }]
    default:
      return []
  }
}
