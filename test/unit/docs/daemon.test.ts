import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { settingNames } from '../../../src/cli/daemon-settings.js'

// Needs: nothing.

const page = readFileSync(new URL('../../../docs/DAEMON.md', import.meta.url), 'utf8')

describe("the daemon's page", () => {
  it('has every setting, with its flag and whether it is read again', () => {
    const rows = [...page.matchAll(/^\| `([\w-]+)` \| `--([\w-]+)`[^|]*\|[^|]*\|([^|]*)\|$/gm)].map(([, key, flag, reloads]) => ({
      key,
      flag,
      reloads: reloads?.trim() === 'yes'
    }))
    expect(rows).toEqual(Object.values(settingNames).map(({ key, flag, reloads }) => ({ key, flag, reloads })))
  })
})
