import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import type { ContainerContext } from '../../../runtime/containers/container-context.js'
import { archiveHandlers } from '../../../runtime/handlers/archive-handlers.js'
import { containerHandlers } from '../../../runtime/handlers/container-handlers.js'
import { diskUsageHandlers } from '../../../runtime/handlers/disk-usage.js'
import { execHandlers } from '../../../runtime/handlers/exec-handlers.js'
import { imageArchiveHandlers } from '../../../runtime/handlers/image-archive-handlers.js'
import { imageHandlers } from '../../../runtime/handlers/image-handlers.js'
import { networkHandlers } from '../../../runtime/handlers/network-handlers.js'
import { pluginHandlers } from '../../../runtime/handlers/plugin-handlers.js'
import { registryHandlers } from '../../../runtime/handlers/registry-handlers.js'
import { remoteImageHandlers } from '../../../runtime/handlers/remote-image-handlers.js'
import { signHandlers } from '../../../runtime/handlers/sign-handlers.js'
import { authHandlers } from '../../../runtime/handlers/system-auth.js'
import { systemHandlers } from '../../../runtime/handlers/system-handlers.js'
import { volumeHandlers } from '../../../runtime/handlers/volume-handlers.js'
import type { RegistryClient } from '../../../runtime/registry/registry-client.js'
import { type Operation, operations } from '../../../src/api/index.js'
import { differences } from '../../integration/docker-cli/differences.js'
import { scenario } from '../../integration/docker-cli/scenario.js'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')

it('docs/COMPATIBILITY.md says what the operations table and the handlers say (vitest -u writes it)', async () => {
  await expect(compatibility()).toMatchFileSnapshot(path.join(root, 'docs/COMPATIBILITY.md'))
})

it('every handler answers an operation of the contract', () => {
  expect(implemented().filter(id => !(id in operations))).toEqual([])
})

/** What is true of an operation that is implemented, but not whole: in the words of the error that says so. */
const limits: Readonly<Record<string, string>> = {
  ContainerCreate: 'a field that is not built yet is refused by name',
  ContainerDelete: 'without `link`'
}

function compatibility(): string {
  const table: readonly Operation[] = Object.values(operations)
  const done = new Set(implemented())
  const groups = groupByFirstPart(table)
  const sections = [...groups].map(([group, members]) => {
    const rows = members.map(operation => {
      const state = done.has(operation.id) ? `yes${operation.id in limits ? `: ${limits[operation.id]}` : ''}` : '`not_implemented`'
      return `| \`${operation.method} ${operation.path}\` | ${operation.id} | ${versions(operation)} | ${state} |`
    })
    return [`## ${group}`, '', '| call | operation | API versions | in-process |', '|---|---|---|---|', ...rows, ''].join('\n')
  })
  return [
    '# Compatibility, operation by operation',
    '',
    'Made from the operations table (`src/api`) and the handlers of the in-process runtime (`runtime/handlers`); a test holds it to them.',
    '',
    'Over a socket every operation can be called, typed and checked, with `engine.raw.call(operation, input)`: what answers is the engine',
    'behind it. In-process, an operation or a field that is not built yet answers `not_implemented` (HTTP status 501) and names itself.',
    '',
    `In-process today: ${table.filter(({ id }) => done.has(id)).length} of ${table.length} operations.`,
    '',
    ...sections,
    "## Docker's command line",
    '',
    `A test runs ${scenario.length} commands of the docker command line against the Gantry daemon and a real dockerd (20.10), and compares exit codes and`,
    'output (`test/integration/docker-cli`). These may differ:',
    '',
    '| command | why |',
    '|---|---|',
    ...differences.map(({ command, reason }) => `| \`${command.replaceAll('|', '\\|')}\` | ${reason} |`),
    ''
  ].join('\n')
}

/** The factories only close over the context, so their keys can be had without one. */
function implemented(): string[] {
  const context = {} as ContainerContext
  return [
    systemHandlers,
    imageHandlers,
    imageArchiveHandlers,
    containerHandlers,
    archiveHandlers,
    execHandlers,
    networkHandlers,
    volumeHandlers,
    (any: ContainerContext) => diskUsageHandlers(any, {}),
    () => authHandlers({ checkLogin: async () => ({}) }),
    (any: ContainerContext) => remoteImageHandlers(any, {} as RegistryClient),
    signHandlers,
    pluginHandlers,
    () => registryHandlers({} as Parameters<typeof registryHandlers>[0])
  ].flatMap(handlers => Object.keys(handlers(context)))
}

const resources = new Set(
  ['containers', 'images', 'networks', 'volumes', 'exec'].concat(
    'swarm',
    'nodes',
    'services',
    'tasks',
    'secrets',
    'configs',
    'plugins',
    'gantry'
  )
)

function groupByFirstPart(table: readonly Operation[]): Map<string, Operation[]> {
  const groups = new Map<string, Operation[]>()
  for (const operation of table) {
    const [, first = ''] = operation.path.split('/')
    const name = resources.has(first) ? `/${first}` : 'The engine as a whole, and builds'
    groups.set(name, [...(groups.get(name) ?? []), operation])
  }
  return groups
}

function versions({ since, until }: Operation): string {
  if (since === undefined) return until === undefined ? 'all' : `until ${until}`
  return until === undefined ? `${since} and later` : `${since} to ${until}`
}
