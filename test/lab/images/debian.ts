import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run } from '../programs.js'
import { digestOf, type Layer, layerOfTar } from './layer.js'

/** How the Debian image runs when nothing else is said. */
export const debianSettings = { Cmd: ['bash'], Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] }

/**
 * A minimal Debian 12 as one gzip layer of some 60 MB. Making it takes from 15 seconds to a minute, so it is kept in
 * `$XDG_CACHE_HOME/gantry-lab/debian-bookworm-1/` (`layer.tar.gz`, and `diff-id`); the folder appears whole, by one rename.
 */
export async function debianLayer(mmdebstrap: string): Promise<Layer> {
  const base = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'gantry-lab')
  const folder = join(base, 'debian-bookworm-1')
  const cached = await read(folder)
  if (cached) return cached
  await mkdir(base, { recursive: true })
  const fresh = await mkdtemp(join(base, 'new-'))
  try {
    const archive = join(fresh, 'root.tar')
    await run([mmdebstrap, '--quiet', '--variant=minbase', '--mode=root', 'bookworm', archive], {
      env: { ...process.env, SOURCE_DATE_EPOCH: '1704067200' }
    })
    const layer = layerOfTar(await readFile(archive))
    await rm(archive)
    await writeFile(join(fresh, 'layer.tar.gz'), layer.blob)
    await writeFile(join(fresh, 'diff-id'), layer.diffId)
    // When another lab was quicker, its folder is as good.
    await rename(fresh, folder).catch(() => {})
    return layer
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

async function read(folder: string): Promise<Layer | undefined> {
  const blob = await readFile(join(folder, 'layer.tar.gz')).catch(() => undefined)
  const diffId = await readFile(join(folder, 'diff-id'), 'utf8').catch(() => undefined)
  return blob && diffId ? { blob, digest: digestOf(blob), diffId } : undefined
}
