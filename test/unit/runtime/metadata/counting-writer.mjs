// Takes numbers from a shared counter until it is killed; each number is recorded in the same transaction.
import { open } from 'lmdb'

const root = open({ path: process.argv[2], noSubdir: true, maxDbs: 11, encoding: 'json' })
const meta = root.openDB({ name: 'meta', encoding: 'json' })
const names = root.openDB({ name: 'names', encoding: 'json' })
for (;;) {
  await root.transaction(() => {
    const next = (meta.get('counter') ?? 0) + 1
    names.put(`n${next}`, process.pid)
    meta.put('counter', next)
  })
}
