import { randomBytes } from 'node:crypto'
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ifThere, listNames } from './durable-file.js'
import { unknownUpload } from './route.js'
import { Upload, type UploadRecord } from './upload.js'

/** How long an upload that nobody goes on with is kept. In milliseconds. */
const expiryMs = 24 * 60 * 60 * 1000

/**
 * Uploads under way: `<root>/uploads/<id>/{data,upload.json}`. An id is as good as a password for the upload: it cannot be guessed.
 */
export class Uploads {
  readonly #folder: string
  /** What this process has hashed of them. */
  readonly #known = new Map<string, Upload>()

  constructor(root: string) {
    this.#folder = join(root, 'uploads')
  }

  async begin(repository: string): Promise<Upload> {
    const id = randomBytes(16).toString('hex')
    const upload = new Upload(id, join(this.#folder, id))
    const record: UploadRecord = { repository, startedAt: Date.now() }
    // Not synced: a power failure may end uploads, and nothing else.
    await mkdir(join(this.#folder, id), { recursive: true, mode: 0o700 })
    await writeFile(upload.dataPath, '', { mode: 0o600, flag: 'wx' })
    await writeFile(join(this.#folder, id, 'upload.json'), JSON.stringify(record), { mode: 0o600 })
    this.#known.set(id, upload)
    return upload
  }

  /** @throws Refusal `BLOB_UPLOAD_UNKNOWN` for one that is not there, or another repository's */
  async find(repository: string, id: string): Promise<Upload> {
    const upload = this.#known.get(id) ?? new Upload(id, join(this.#folder, id))
    const record = await upload.record().catch(error => {
      this.#known.delete(id)
      throw error
    })
    if (record.repository !== repository) throw unknownUpload(id)
    // Two requests may have come here at once: both get the same.
    const known = this.#known.get(id) ?? upload
    this.#known.set(id, known)
    return known
  }

  /** Give up an upload, or what is left of one that is finished. Idempotent. */
  async remove(upload: Upload): Promise<void> {
    this.#known.delete(upload.id)
    await upload.remove()
  }

  /** Remove what nobody has gone on with for a day. @returns how many */
  async removeExpired(now = Date.now()): Promise<number> {
    let removed = 0
    for (const id of await listNames(this.#folder)) {
      const folder = join(this.#folder, id)
      const found = (await ifThere(stat(join(folder, 'data')), undefined)) ?? (await ifThere(stat(folder), undefined))
      if (found === undefined || now - found.mtimeMs < expiryMs) continue
      this.#known.delete(id)
      await rm(folder, { recursive: true, force: true })
      removed++
    }
    return removed
  }
}
