import { EngineError } from '../../src/errors/index.js'
import { type ContainerPort, exposedPorts, parsePort } from '../containers/container-ports.js'
import type { ContainerRecord } from '../containers/container-record.js'
import type { MountPoint } from '../volumes/volume-record.js'
import { stateWord } from './container-views.js'
import { endpointViews } from './network-settings-view.js'

/** Docker's filters as they come: values by key. */
export type Filters = Readonly<Record<string, readonly string[]>>

const statuses = ['created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead']

/** What of other containers and of images a filter needs. */
export interface FilterFacts {
  find(idOrName: string): ContainerRecord
  /** Image ids that `ancestor` names: the image and those made from it. */
  ancestors(nameOrId: string): ReadonlySet<string>
}

/**
 * A test for `GET /containers/json?filters=`.
 *
 * @throws EngineError `invalid_argument` for an unknown filter or value, `not_implemented` for one of Docker's that is not built yet
 */
export function containerFilter(filters: Filters, facts: FilterFacts): (record: ContainerRecord) => boolean {
  const tests = Object.entries(filters)
    .filter(([, values]) => values.length > 0)
    .map(([key, values]) => filterOf(key, values, facts))
  return record => tests.every(test => test(record))
}

function filterOf(key: string, values: readonly string[], facts: FilterFacts): (record: ContainerRecord) => boolean {
  switch (key) {
    case 'id':
      return record => values.some(value => record.id.startsWith(value))
    case 'name':
      return nameFilter(values)
    case 'status':
      for (const value of values) {
        if (!statuses.includes(value))
          throw new EngineError('invalid_argument', `invalid filter 'status=${value}': expected one of ${statuses.join(', ')}`, {
            details: { filter: key, value }
          })
      }
      return record => values.includes(stateWord(record))
    case 'exited':
      return exitedFilter(values)
    case 'label':
      // The one filter whose values all have to match.
      return record => values.every(value => hasLabel(record.config.Labels ?? {}, value))
    case 'label!':
      return record => !values.some(value => hasLabel(record.config.Labels ?? {}, value))
    case 'ancestor': {
      const ids = values.map(value => facts.ancestors(value))
      return record => ids.some(set => set.has(record.imageId))
    }
    case 'before': {
      const limits = values.map(value => facts.find(value).createdAt)
      return record => limits.some(limit => record.createdAt < limit)
    }
    case 'since': {
      const limits = values.map(value => facts.find(value).createdAt)
      return record => limits.some(limit => record.createdAt > limit)
    }
    case 'network':
      return record => values.some(value => isOnNetwork(record, value))
    case 'volume':
      return record => (record.mounts ?? []).some(mount => values.some(value => namesMount(mount, value)))
    case 'expose':
      return portFilter(key, values, record => exposedPorts(record.config, record.hostConfig).map(parsePort))
    case 'publish':
      return portFilter(key, values, record => (record.state.ports ?? []).map(({ hostPort: port, protocol }) => ({ port, protocol })))
    case 'health':
      return record => values.includes(record.state.health?.status ?? 'none')
    case 'is-task':
    case 'isolation':
      throw new EngineError('not_implemented', `the container filter ${JSON.stringify(key)} is not built yet in the in-process runtime`, {
        details: { filter: key }
      })
    default:
      throw new EngineError('invalid_argument', `invalid filter '${key}'`, { details: { filter: key } })
  }
}

/** Names match as patterns, with or without the slash before them. */
function nameFilter(values: readonly string[]): (record: ContainerRecord) => boolean {
  const patterns = values.map(value => {
    try {
      return new RegExp(value)
    } catch (cause) {
      throw new EngineError('invalid_argument', `invalid filter 'name=${value}': it is no regular expression`, {
        details: { filter: 'name', value },
        cause
      })
    }
  })
  return record => patterns.some(pattern => pattern.test(record.name) || pattern.test(`/${record.name}`))
}

function exitedFilter(values: readonly string[]): (record: ContainerRecord) => boolean {
  const codes = values.map(value => {
    if (/^-?\d+$/.test(value)) return Number(value)
    throw new EngineError('invalid_argument', `invalid filter 'exited=${value}': expected an exit code`, {
      details: { filter: 'exited', value }
    })
  })
  return record => record.state.status === 'exited' && codes.includes(record.state.exitCode)
}

/** By the volume's name, by where it comes from, or by where it is mounted. */
function namesMount(mount: MountPoint, value: string): boolean {
  const source = mount.type === 'volume' ? mount.name : mount.type === 'bind' ? mount.source : undefined
  return value === source || value === mount.destination
}

/** By name, by id or by its beginning. */
function isOnNetwork(record: ContainerRecord, value: string): boolean {
  return Object.entries(endpointViews(record)).some(
    ([name, { NetworkID }]) => name === value || (value !== '' && (NetworkID ?? '').startsWith(value))
  )
}

/** `8080`, `80/udp`, `8000-8010/tcp` against ports of a container or of the host. */
function portFilter(
  filter: 'expose' | 'publish',
  values: readonly string[],
  portsOf: (record: ContainerRecord) => readonly ContainerPort[]
): (record: ContainerRecord) => boolean {
  const ranges = values.map(value => {
    const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(value)
    if (match === null) {
      throw new EngineError('invalid_argument', `invalid filter '${filter}=${value}'`, { details: { filter, value } })
    }
    const [, first, last = first, protocol = 'tcp'] = match
    return { first: Number(first), last: Number(last), protocol }
  })
  return record =>
    portsOf(record).some(({ port, protocol }) =>
      ranges.some(range => range.protocol === protocol && range.first <= port && port <= range.last)
    )
}

/** `key` or `key=value` against a set of labels. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  return equals === -1 ? wanted in labels : labels[wanted.slice(0, equals)] === wanted.slice(equals + 1)
}
