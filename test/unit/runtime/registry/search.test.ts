import { describe, expect, it } from 'vitest'
import { searchImages } from '../../../../runtime/handlers/search-images.js'
import { createRegistryClient } from '../../../../runtime/registry/registry-client.js'
import { serve } from './local-server.js'

const signal = new AbortController().signal

const results = [
  { name: 'team/app', description: 'an app', star_count: 7, is_official: true, is_automated: false, extra: 1 },
  { name: 'team/tool', description: '', star_count: 1, is_official: false, is_automated: true }
]

async function search(term: string, filters: Record<string, string[]> = {}, limit = 0) {
  const seen: (string | undefined)[] = []
  await using server = await serve((request, response) => {
    seen.push(`${request.url} ${request.headers.authorization}`)
    if (!request.url?.startsWith('/v1/search?')) return response.writeHead(404).end()
    response.end(request.url.includes('broken') ? '<html>' : JSON.stringify({ num_results: 2, results }))
  })
  const registry = createRegistryClient()
  try {
    const auth = { username: 'me', password: 'secret' }
    return { seen, found: await searchImages(registry, { term: `${server.host}/${term}`, limit, filters, auth }, signal) }
  } finally {
    await registry.close()
  }
}

describe('a search', () => {
  it("asks the registry that the term begins with, in Docker Hub's protocol", async () => {
    const { seen, found } = await search('team/app', {}, 7)
    expect(seen).toEqual([`/v1/search?q=team%2Fapp&n=7 Basic ${Buffer.from('me:secret').toString('base64')}`])
    expect(found[0]).toEqual({ name: 'team/app', description: 'an app', star_count: 7, is_official: true, is_automated: false })
    expect((await search('x')).seen[0]).toContain('n=25')
  })

  it.each([
    [{ stars: ['2'] }, ['team/app']],
    [{ 'is-official': ['true'] }, ['team/app']],
    [{ 'is-official': ['false'] }, ['team/tool']],
    [{ 'is-automated': ['1'] }, ['team/tool']],
    [{ stars: ['2'], 'is-automated': ['true'] }, []]
  ])('keeps what the filters ask for: %j', async (filters, names) => {
    const { found } = await search('team', filters)
    expect(found.map(({ name }) => name)).toEqual(names)
  })

  it('of what answers no list is unavailable', async () => {
    await expect(search('broken')).rejects.toMatchObject({ code: 'unavailable' })
  })
})
