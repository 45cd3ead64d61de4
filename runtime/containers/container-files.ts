import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nameServerAddress } from '../networks/names/name-service.js'

/** The files a container gets from outside its image, on the host. */
export interface ContainerFiles {
  readonly hostname: string
  readonly hosts: string
  readonly resolvConf: string
}

/** What they are made of. */
export interface NetworkFacts {
  readonly hostname: string
  readonly domainname?: string
  /** The container's own addresses, one for each network. */
  readonly addresses: readonly string[]
  /** It is on the host's own network: names are those of the host. @default false */
  readonly isHost?: boolean
  /** The engine answers its questions about names. @default false */
  readonly servesNames?: boolean
  /** `name:address` pairs, as `--add-host` takes them. */
  readonly extraHosts: readonly string[]
  /** What `host-gateway` in them means: the host, as the container reaches it. */
  readonly hostGateway?: string
  readonly nameservers: readonly string[]
  readonly searchDomains: readonly string[]
  readonly resolverOptions: readonly string[]
}

const standardHosts = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`

/** Docker's choice where the host has no nameserver that a container could reach. */
const fallbackNameservers: readonly string[] = ['8.8.8.8', '8.8.4.4']

/**
 * Write /etc/hostname, /etc/hosts and /etc/resolv.conf of a container into its folder. Synchronous: three files of a few hundred bytes take
 * less time than three ways to another thread and back.
 */
export function writeContainerFiles(folder: string, facts: NetworkFacts): ContainerFiles {
  const files = containerFiles(folder)
  writeFileSync(files.hostname, `${facts.hostname}\n`)
  writeFileSync(files.hosts, hostsFile(facts, facts.isHost ? readIfThere('/etc/hosts') : undefined))
  writeFileSync(files.resolvConf, resolvConf(readIfThere('/etc/resolv.conf'), facts))
  return files
}

/** Where the files of a container are. */
export function containerFiles(folder: string): ContainerFiles {
  return { hostname: join(folder, 'hostname'), hosts: join(folder, 'hosts'), resolvConf: join(folder, 'resolv.conf') }
}

/**
 * The text of a container's /etc/hosts.
 *
 * @param base what stands first @default what every container has
 */
export function hostsFile(facts: NetworkFacts, base: string = standardHosts): string {
  const extra = facts.extraHosts.map(pair => {
    const colon = pair.indexOf(':')
    const address = pair.slice(colon + 1)
    return `${address === 'host-gateway' ? (facts.hostGateway ?? address) : address}\t${pair.slice(0, colon)}\n`
  })
  return base + extra.join('') + facts.addresses.map(address => hostsLine(facts, address)).join('')
}

/** A container's own line of its /etc/hosts. */
export function hostsLine({ hostname, domainname }: Pick<NetworkFacts, 'hostname' | 'domainname'>, address: string): string {
  return `${address}\t${domainname ? `${hostname}.${domainname} ${hostname}` : hostname}\n`
}

/**
 * The text of a container's /etc/resolv.conf: the host's, without servers on loopback (that is the container's own loopback), each
 * part replaced by what the container asks for.
 */
export function resolvConf(
  host: string,
  facts: Pick<NetworkFacts, 'nameservers' | 'searchDomains' | 'resolverOptions' | 'isHost' | 'servesNames'>
): string {
  const lines = host
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#') && !line.startsWith(';'))
  const has = (keyword: string) => lines.filter(line => line.split(/\s/, 1)[0] === keyword)
  const hostServers = has('nameserver').filter(line => facts.isHost || !/\s(127\.|::1(\s|$))/.test(line))
  if (facts.servesNames) return servedResolvConf(facts, { search: [...has('search'), ...has('domain')], options: has('options') })
  const servers = facts.nameservers.length > 0 ? facts.nameservers : hostServers.length > 0 ? undefined : fallbackNameservers
  const search = facts.searchDomains.length > 0 ? [`search ${facts.searchDomains.join(' ')}`] : [...has('search'), ...has('domain')]
  const options = facts.resolverOptions.length > 0 ? [`options ${facts.resolverOptions.join(' ')}`] : has('options')
  const named = servers?.map(server => `nameserver ${server}`) ?? hostServers
  // The host's order, and where something was asked for Docker's.
  const isAsked = facts.nameservers.length + facts.searchDomains.length + facts.resolverOptions.length > 0
  return `${[...(isAsked ? [...search, ...named] : [...named, ...search]), ...options].join('\n')}\n`
}

/** Words are asked about as they are: they are names of containers, before any search domain is tried. */
function servedResolvConf(
  facts: Pick<NetworkFacts, 'searchDomains' | 'resolverOptions'>,
  host: { readonly search: readonly string[]; readonly options: readonly string[] }
): string {
  const search = facts.searchDomains.length > 0 ? [`search ${facts.searchDomains.join(' ')}`] : host.search
  const given = facts.resolverOptions.length > 0 ? facts.resolverOptions : host.options.flatMap(line => line.split(/\s+/).slice(1))
  const options = given.some(option => option.startsWith('ndots:')) ? given : [...given, 'ndots:0']
  return `${[...search, `nameserver ${nameServerAddress}`, `options ${options.join(' ')}`].join('\n')}\n`
}

/** Make a running container's resolv.conf that of one whose names are served. It is mounted: the content changes, the file stays. */
export function serveResolvConf(folder: string, facts: Pick<NetworkFacts, 'nameservers' | 'searchDomains' | 'resolverOptions'>): void {
  writeFileSync(containerFiles(folder).resolvConf, resolvConf(readIfThere('/etc/resolv.conf'), { ...facts, servesNames: true }))
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
