import { describe, expect, it } from 'vitest'
import { type Digest, digestOf } from '../../../../runtime/registry/digest.js'
import { listReferrers, type ReferrerPorts } from '../../../../runtime/registry/referrers.js'

// Needs: nothing.

const subject: Digest = digestOf('subject')
const url = 'https://r.example/v2/app/referrers/x'

/** A registry whose list of referrers has pages of some entries; each page names the next one. */
function paged(pages: number, entries: number): ReferrerPorts & { readonly asked: string[] } {
  const asked: string[] = []
  const entry = (page: number, at: number) => ({
    mediaType: 'm',
    digest: digestOf(`${page} ${at}`),
    size: 1,
    artifactType: at % 2 ? 'a' : 'b'
  })
  return {
    asked,
    async read(wanted, target) {
      asked.push(`${wanted} ${target}`)
      const page = Number(new URL(target, url).searchParams.get('page') ?? 0)
      const manifests = Array.from({ length: entries }, (_, at) => entry(page, at))
      const link = page + 1 < pages ? `<${url}?page=${page + 1}>; rel="next"` : null
      return { bytes: Buffer.from(JSON.stringify({ manifests })), headers: { get: name => (name === 'link' ? link : null) }, url }
    },
    put: async () => {}
  }
}

describe('a list of referrers', () => {
  it('is read page by page, and filtered where the registry does not', async () => {
    const registry = paged(3, 4)
    expect(await listReferrers(subject, undefined, registry)).toHaveLength(12)
    expect(registry.asked).toHaveLength(3)
    expect(await listReferrers(subject, 'a', registry)).toHaveLength(6)
  })

  it('without an end is left after ten thousand', async () => {
    const registry = paged(Number.POSITIVE_INFINITY, 3000)
    expect(await listReferrers(subject, undefined, registry)).toHaveLength(10_000)
    expect(registry.asked).toHaveLength(4)
  })

  it('that goes on at another host is not followed there', async () => {
    const registry = paged(2, 1)
    const elsewhere: ReferrerPorts = {
      ...registry,
      read: async (wanted, target) => {
        const page = await registry.read(wanted, target)
        return page && { ...page, headers: { get: () => '<https://evil.example/list>; rel="next"' } }
      }
    }
    expect(await listReferrers(subject, undefined, elsewhere)).toHaveLength(1)
    expect(registry.asked).toHaveLength(1)
  })
})
