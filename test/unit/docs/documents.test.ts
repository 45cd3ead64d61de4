import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')
const readme = read('README.md')
const examples = readdirSync(path.join(root, 'examples'))
  .filter(file => file.endsWith('.ts'))
  .map(file => ({ name: file.replace('.ts', ''), text: read(`examples/${file}`) }))

describe('the README', () => {
  const snippets = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(match => match[1] ?? '')

  it('has snippets', () => {
    expect(snippets.length).toBeGreaterThan(2)
  })

  it.each(snippets)('snippet %# is a piece of an example, which runs in the tests', snippet => {
    expect(examples.filter(({ text }) => text.includes(snippet)).map(({ name }) => name)).not.toEqual([])
  })

  it('lists every example', () => {
    expect(examples.filter(({ name }) => !readme.includes(`](examples/${name}.ts)`)).map(({ name }) => name)).toEqual([])
  })

  it('names only npm scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json'))
    const named = [...readme.matchAll(/npm run ([a-z-]+)/g)].map(match => match[1] ?? '')
    expect(named.filter(name => !(name in scripts))).toEqual([])
  })
})

describe('links between files', () => {
  const documents = ['README.md', 'CHANGELOG.md', ...markdownBelow('docs')]

  it.each(documents)('in %s lead to files that there are', document => {
    const links = [...read(document).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(match => match[1] ?? '')
    expect(links.filter(link => !existsSync(path.resolve(root, path.dirname(document), link)))).toEqual([])
  })
})

describe('files named in the documents', () => {
  const documents = ['README.md', ...markdownBelow('docs')]

  it.each(documents)('by %s are there', document => {
    const named = [...read(document).matchAll(/`((?:src|runtime|test|examples|scripts)\/[\w./-]+)`/g)].map(match => match[1] ?? '')
    expect(named.filter(file => !existsSync(path.join(root, file)))).toEqual([])
  })
})

function markdownBelow(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.md') && !file.startsWith('api/'))
    .map(file => path.join(folder, file))
}

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8')
}
