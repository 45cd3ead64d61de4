import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineError } from '../../src/errors/engine-error.js'
import type { CgroupLayout } from './cgroup-layout.js'
import { errnoOf } from './system-call-error.js'

/** How long processes may take to freeze: one in an uninterruptible wait does not. */
const freezePatienceMs = 10_000

/** The files of one control group, wherever each controller has its hierarchy. */
export class CgroupFiles {
  readonly #layout: CgroupLayout
  readonly #path: string

  /** @param path as in the OCI configuration's `cgroupsPath`: `/gantry/<id>` */
  constructor(layout: CgroupLayout, path: string) {
    this.#layout = layout
    this.#path = path
  }

  /** Which version of the interface a controller is used through; undefined: not at all. */
  version(controller: string): 1 | 2 | undefined {
    return this.#hierarchy(controller)?.version
  }

  /** The text of a controller's file; undefined where there is no such file. */
  async read(controller: string, name: string): Promise<string | undefined> {
    const file = this.#file(controller, name)
    return file === undefined ? undefined : unlessGone(() => readFile(file, 'utf8'))
  }

  readNow(controller: string, name: string): string | undefined {
    const file = this.#file(controller, name)
    if (file === undefined) return undefined
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return undefined
    }
  }

  /** @throws EngineError `invalid_argument` for a value the kernel refuses, `not_supported` where there is no such file */
  async write(controller: string, name: string, value: string): Promise<void> {
    const file = this.#file(controller, name)
    try {
      if (file === undefined) throw Object.assign(new Error('no such controller'), { code: 'ENOENT' })
      await writeFile(file, value, { flag: 'r+' })
    } catch (cause) {
      const errno = errnoOf(cause)
      const code = errno === 'ENOENT' || errno === 'EACCES' ? 'not_supported' : 'invalid_argument'
      throw new EngineError(code, `the kernel refuses ${name} = ${value.trim()} (${errno ?? String(cause)})`, {
        cause,
        details: { file: name, value }
      })
    }
  }

  /** Every process in it and below it, as the host numbers them. */
  async processes(): Promise<readonly number[]> {
    for (const controller of ['pids', 'memory', 'devices', 'freezer', 'cpu']) {
      const text = await this.read(controller, 'cgroup.procs')
      if (text !== undefined) return text.split('\n').flatMap(line => (/^[1-9]\d*$/.test(line) ? [Number(line)] : []))
    }
    return []
  }

  /**
   * Freeze its processes, or let them go on. Resolves when it is so.
   *
   * @throws EngineError `not_supported` without a freezer, `failed` where processes do not freeze
   */
  async freeze(frozen: boolean): Promise<void> {
    const [name, value] =
      this.version('freezer') === 1 ? ['freezer.state', frozen ? 'FROZEN' : 'THAWED'] : ['cgroup.freeze', frozen ? '1' : '0']
    await this.write('freezer', name, value)
    const deadline = Date.now() + freezePatienceMs
    while (!(await this.#isFrozen(frozen))) {
      if (Date.now() > deadline) {
        await this.write('freezer', name, this.version('freezer') === 1 ? 'THAWED' : '0').catch(() => {})
        throw new EngineError('failed', `its processes did not ${frozen ? 'freeze' : 'thaw'} within ${freezePatienceMs / 1000} s`)
      }
      await delay(1)
    }
  }

  async #isFrozen(frozen: boolean): Promise<boolean> {
    if (this.version('freezer') === 1) return (await this.read('freezer', 'freezer.state'))?.trim() === (frozen ? 'FROZEN' : 'THAWED')
    return ((await this.read('freezer', 'cgroup.events')) ?? '').includes(`frozen ${frozen ? 1 : 0}`)
  }

  #file(controller: string, name: string): string | undefined {
    const hierarchy = this.#hierarchy(controller)
    return hierarchy === undefined ? undefined : join(hierarchy.mountPoint, this.#path, name)
  }

  /** Of a hybrid host's two, the v1 hierarchy: that is where the OCI runtime puts containers. The freezer is in every v2 group. */
  #hierarchy(controller: string) {
    const { hierarchies } = this.#layout
    return (
      hierarchies.find(({ version, controllers }) => version === 1 && controllers.includes(controller)) ??
      hierarchies.find(({ version, controllers }) => version === 2 && (controller === 'freezer' || controllers.includes(controller)))
    )
  }
}

async function unlessGone<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENODEV' || errno === 'EOPNOTSUPP') return undefined
    throw error
  }
}
