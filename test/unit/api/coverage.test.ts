import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Operation } from '../../../src/api/operation.js'
import { operations as all } from '../../../src/api/operations.js'
import { supports } from '../../../src/api/versions.js'
import { bodyOf, type OperationOutline, parametersOf } from './contract-outline.js'

// The published descriptions, as outlines that scripts/engine-api-outline.mjs wrote. 1.41 is the version of the oldest engine in the tests;
// with it, what came later can be told from what was always there.
const versions = ['1.41', '1.51', '1.55'] as const
type Outlines = Readonly<Record<string, Readonly<Record<string, OperationOutline>>>>
const golden = new URL('../../golden/engine-api/', import.meta.url)
const outlines: Outlines = Object.fromEntries(versions.map(version => [version, readOutline(version)]))

function readOutline(version: string): Readonly<Record<string, OperationOutline>> {
  const outline = JSON.parse(readFileSync(new URL(`v${version}.json`, golden), 'utf8')) as {
    readonly apiVersion: string
    readonly operations: Readonly<Record<string, OperationOutline>>
  }
  expect(outline.apiVersion).toBe(version)
  return outline.operations
}

/** What Docker has no call for is below a path of its own. */
const operations = Object.fromEntries(Object.entries(all).filter(([, { path }]) => !path.startsWith('/gantry/'))) as typeof all

/** Published, and deliberately not in the contract. Nothing. */
const notCovered: ReadonlySet<string> = new Set<string>()

/** In the contract, and not published: engines and their clients use them all the same. */
const unpublished: ReadonlySet<string> = new Set([
  // Read by the engine, sent by the docker CLI.
  'ContainerLogs query details',
  // Gantry's own, in a call of Docker's.
  'ImageCreate header X-Gantry-Verify',
  'DistributionInspect header X-Registry-Auth',
  'ImageBuild query cpusetmems',
  'ImageBuild query cgroupparent',
  'ImageBuild query ulimits',
  'ImageBuild query securityopt',
  'ImageBuild query session',
  'ImageBuild query buildid',
  'ImageSearch header X-Registry-Auth',
  'PluginPush header X-Registry-Auth',
  'SystemAuth body auth: string',
  'SystemAuth body identitytoken: string',
  'SystemAuth body registrytoken: string'
])

/** Where the contract's type differs from the published one, and why. */
const retyped: ReadonlyMap<string, string> = new Map([
  // Described as text; the engine reads true and false.
  ['ImageBuild query pull', 'query pull: boolean'],
  ['PutContainerArchive query noOverwriteDirNonDir', 'query noOverwriteDirNonDir: boolean'],
  ['PutContainerArchive query copyUIDGID', 'query copyUIDGID: boolean'],
  // Described as one; the engine takes several by repeating them.
  ['ImageBuild query t', 'query t: array'],
  ['ImageBuild query extrahosts', 'query extrahosts: array'],
  ['ImageCommit query changes', 'query changes: array'],
  // Described as a number; a number cannot hold the nanoseconds that the engine takes.
  ['ContainerLogs query since', 'query since: string'],
  ['ContainerLogs query until', 'query until: string'],
  ['ServiceLogs query since', 'query since: string'],
  ['TaskLogs query since', 'query since: string'],
  // Described as one text before API 1.52, which a list of one is written like.
  ['ImageGet query platform', 'query platform: array'],
  ['ImageGetAll query platform', 'query platform: array'],
  ['ImageLoad query platform', 'query platform: array']
])

/** What the contract lacks of a published version, and what it has wrong, a line each. */
function gaps(table: Readonly<Record<string, Operation>>, version: string, published: Outlines = outlines): readonly string[] {
  const found: string[] = []
  const lacks = (what: string) => {
    if (!notCovered.has(what)) found.push(`${version}: ${what}`)
  }
  for (const [id, outline] of Object.entries(published[version] ?? {})) {
    const operation = table[id]
    if (operation === undefined) {
      lacks(id)
      continue
    }
    if (operation.id !== id) lacks(`${id} is called ${operation.id}`)
    if (operation.method !== outline.method) lacks(`${id} is ${outline.method}, not ${operation.method}`)
    if (operation.path !== outline.path) lacks(`${id} is at ${outline.path}, not ${operation.path}`)
    if (!supports(operation, version)) lacks(`${id} is there, but declared for ${operation.since ?? ''}-${operation.until ?? ''}`)
    found.push(...parameterGaps(operation, outline, version), ...bodyGaps(operation, outline, version))
  }
  return found
}

function parameterGaps(operation: Operation, outline: OperationOutline, version: string): readonly string[] {
  const known = parametersOf(operation)
  return outline.parameters.flatMap(line => {
    const key = line.replace(/!?: .*$/, '')
    const name = `${operation.id} ${key}`
    const found = known.get(key)
    if (found === undefined) return notCovered.has(name) ? [] : [`${version}: ${name}`]
    const gaps: string[] = []
    if (!found.lines.includes(line) && !found.lines.includes(retyped.get(name) ?? '')) {
      gaps.push(`${version}: ${operation.id} has "${line}", not "${found.lines.join('" or "')}"`)
    }
    if (!supports(found.parameter, version)) gaps.push(`${version}: ${name} is there, but declared for other versions`)
    return gaps
  })
}

function bodyGaps(operation: Operation, outline: OperationOutline, version: string): readonly string[] {
  const known = bodyOf(operation)
  if (outline.body === undefined || outline.body === 'tar') {
    return known === outline.body ? [] : [`${version}: the body of ${operation.id} is ${outline.body ?? 'none'}`]
  }
  const lines = new Set(known)
  return outline.body
    .filter(line => !lines.has(line) && !notCovered.has(`${operation.id} body ${line}`))
    .map(line => `${version}: ${operation.id} body ${line}`)
}

/** What the contract has and no published version does. */
function surplus(table: Readonly<Record<string, Operation>>): readonly string[] {
  return Object.values(table).flatMap(operation => {
    const published = versions.map(version => outlines[version]?.[operation.id]).filter(outline => outline !== undefined)
    if (published.length === 0) return [operation.id]
    const parameters = new Set(published.flatMap(outline => outline.parameters.map(line => line.replace(/!?: .*$/, ''))))
    const properties = new Set(published.flatMap(outline => outline.body ?? []))
    const body = bodyOf(operation) ?? []
    return [
      ...[...parametersOf(operation).keys()].filter(key => !parameters.has(key)).map(key => `${operation.id} ${key}`),
      ...(body === 'tar' ? [] : body.filter(line => !properties.has(line)).map(line => `${operation.id} body ${line}`))
    ]
  })
}

/** What is declared for a version that does not have it. */
function anachronisms(table: Readonly<Record<string, Operation>>): readonly string[] {
  return versions.flatMap(version =>
    Object.values(table).flatMap(operation => {
      const outline = outlines[version]?.[operation.id]
      if (outline === undefined) return supports(operation, version) ? [`${operation.id} in ${version}`] : []
      const there = new Set(outline.parameters.map(line => line.replace(/!?: .*$/, '')))
      return [...parametersOf(operation)]
        .filter(([key, { parameter }]) => !there.has(key) && !unpublished.has(`${operation.id} ${key}`) && supports(parameter, version))
        .map(([key]) => `${operation.id} ${key} in ${version}`)
    })
  )
}

function withProperty(line: string, version: string): OperationOutline {
  const outline = outlines[version]?.ContainerCreate as OperationOutline
  return { ...outline, body: [...(outline.body ?? []), line] }
}

describe('the contract against the published Engine API', () => {
  it.each(versions)('has every operation, path, method, parameter and body property of %s', version => {
    expect(gaps(operations, version)).toEqual([])
  })

  it('has 107 operations of 1.51 and the one that 1.55 adds', () => {
    expect(Object.keys(outlines['1.51'] ?? {})).toHaveLength(107)
    expect(Object.keys(operations).sort()).toEqual(Object.keys(outlines['1.55'] ?? {}).sort())
  })

  it('has nothing that is not published, except what engines are known to read', () => {
    expect([...surplus(operations)].sort()).toEqual([...unpublished].sort())
  })

  it('declares nothing for a version that does not have it', () => {
    expect(anachronisms(operations)).toEqual([])
  })

  it.each(['1.51', '1.55'])('notices when something of %s is missing or wrong', version => {
    const { ContainerKill, ContainerCreate, ImagePush } = operations
    const { BuildPrune: _removed, ...without } = operations
    expect(gaps(without, version)).toEqual([`${version}: BuildPrune`])

    const mutated = (operation: Operation, changes: Partial<Operation>) => ({ ...operations, [operation.id]: { ...operation, ...changes } })
    expect(gaps(mutated(ContainerKill, { method: 'PUT' }), version)).toHaveLength(1)
    expect(gaps(mutated(ContainerKill, { path: '/containers/{name}/kill' }), version)).toHaveLength(2)
    expect(gaps(mutated(ContainerKill, { parameters: {} }), version)).toEqual([`${version}: ContainerKill query signal`])
    expect(gaps(mutated(ContainerKill, { since: '1.56' }), version)).toHaveLength(1)
    const header = ImagePush.parameters.headers?.['X-Registry-Auth'] as NonNullable<typeof ImagePush.parameters.headers>[string]
    const optional = { ...ImagePush.parameters, headers: { 'X-Registry-Auth': { ...header, required: false } } }
    expect(gaps(mutated(ImagePush, { parameters: optional }), version)).toHaveLength(1)
    const { body: _body, ...schemas } = ContainerCreate.schemas
    expect(gaps(mutated(ContainerCreate, { schemas }), version).length).toBeGreaterThan(200)

    const ahead = { ...outlines[version], ContainerCreate: withProperty('HostConfig.Mounts[].NewOptions.Deep: string', version) }
    expect(gaps(operations, version, { [version]: ahead })).toEqual([
      `${version}: ContainerCreate body HostConfig.Mounts[].NewOptions.Deep: string`
    ])
  })

  const reference = fileURLToPath(new URL('../../../../shared/reference/', import.meta.url))
  it.skipIf(!existsSync(reference)).each(versions)(
    'compares with an outline of %s that is up to date (needs ../shared/reference)',
    async version => {
      expect(readdirSync(reference)).toContain(`engine-api-v${version}.yaml`)
      const script = fileURLToPath(new URL('../../../scripts/engine-api-outline.mjs', import.meta.url))
      const { stdout } = await promisify(execFile)(process.execPath, [script, '--print', `${reference}engine-api-v${version}.yaml`], {
        maxBuffer: 16 * 1024 * 1024
      })
      expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(new URL(`v${version}.json`, golden), 'utf8')))
    }
  )
})
