import type { Command, Option } from 'commander'
import { commander } from './commander.js'
import { type DaemonSettings, defaultHost, settingNames } from './daemon-settings.js'
import { type SettingType, settingTypes } from './setting-types.js'

type Name = keyof DaemonSettings

/** How help shows a flag: its short form, its argument, what it is for. */
interface FlagText {
  readonly short?: string
  /** Absent: true where the flag is given; `=false` may follow. */
  readonly argument?: string
  readonly description: string
}

const repeated = '; may be given several times'

/** Under the headings of help, in its order. */
const flagGroups: Readonly<Record<string, Readonly<Partial<Record<Name, FlagText>>>>> = {
  'Where it listens, and to whom:': {
    hosts: { short: 'H', argument: 'address', description: `unix:// or tcp://${repeated} (default: ${defaultHost})` },
    group: { short: 'G', argument: 'group', description: 'who may use the UNIX socket (default: docker, where there is such a group)' },
    tlsVerify: { description: 'on TCP, take only clients with a certificate of --tlscacert' },
    tlsCaCert: { argument: 'file', description: 'authority of the clients (default: ~/.docker/ca.pem)' },
    tlsCert: { argument: 'file', description: 'certificate of this server (default: ~/.docker/cert.pem)' },
    tlsKey: { argument: 'file', description: 'key of this server (default: ~/.docker/key.pem)' },
    withoutAuthentication: { description: 'listen on TCP for everybody: whoever reaches the port is root on this machine' }
  },
  'The daemon:': {
    root: { argument: 'folder', description: 'where images, volumes and containers are kept (default: /var/lib/gantry)' },
    runtime: { argument: 'name', description: 'OCI runtime, by name or path (default: crun, else runc)' },
    liveRestore: { description: 'leave containers running when it stops; =false stops them (default: true)' },
    shutdownTimeoutSeconds: {
      argument: 'seconds',
      description: 'how long requests may take to finish when it stops, negative: as long as they like (default: 15)'
    },
    pidFile: { short: 'p', argument: 'file', description: 'write the process id there, unless a living process has' },
    labels: { argument: 'key=value', description: `label of this engine, shown by docker info${repeated}` },
    debug: { short: 'D', description: 'tell of each request' },
    logLevel: { short: 'l', argument: 'level', description: 'how much to say: debug, info, warn, error or fatal (default: info)' }
  },
  'Registries:': {
    registryMirrors: { argument: 'url', description: `mirror of Docker Hub, tried first${repeated}` },
    insecureRegistries: {
      argument: 'host',
      description: `registry, or range of addresses such as 10.0.0.0/8, to reach by plain HTTP or unchecked TLS${repeated}`
    },
    httpProxy: { argument: 'url', description: 'proxy for plain HTTP registries (default: HTTP_PROXY)' },
    httpsProxy: { argument: 'url', description: 'proxy for HTTPS registries (default: HTTPS_PROXY)' },
    noProxy: { argument: 'hosts', description: 'hosts and ranges to reach without a proxy, with commas (default: NO_PROXY)' },
    trust: {
      argument: 'rule',
      description: `whose images may come in, as ghcr.io/owner/*=/etc/keys/owner.pub, *=reject or *=accept${repeated} (default: every image may)`
    },
    maxConcurrentDownloads: { argument: 'count', description: 'layers to pull at a time (default: 3)' },
    maxConcurrentUploads: { argument: 'count', description: 'layers to push at a time (default: 5)' }
  },
  'Networks:': {
    bridgeAddress: { argument: 'address', description: "the default network's, such as 10.20.0.1/24 (default: the first free one)" },
    addressPools: {
      argument: 'pool',
      description: `where networks get their addresses, such as base=10.30.0.0/16,size=24${repeated} (default: Docker's)`
    },
    mtu: { argument: 'bytes', description: 'longest packet on the default network (default: 1500)' },
    userlandProxy: { description: 'publish ports on IPv6 too, relayed by the daemon; =false leaves IPv4 (default: true)' }
  },
  'Containers that do not say themselves:': {
    logDriver: { argument: 'driver', description: 'where their output goes (default: json-file)' },
    logOptions: { argument: 'key=value', description: `option of that driver${repeated}` },
    ulimits: { argument: 'limit', description: `limit of their processes, such as nofile=1024:2048${repeated}` },
    shmBytes: { argument: 'size', description: 'size of /dev/shm (default: 64M)' },
    init: { description: 'run an init program, which hands on signals and reaps processes' },
    dns: { argument: 'address', description: `name server${repeated} (default: the host's)` },
    dnsOptions: { argument: 'option', description: `resolver option${repeated} (default: the host's)` },
    dnsSearch: { argument: 'domain', description: `search domain${repeated} (default: the host's)` }
  }
}

/** What may follow a flag that is true when it is given. Help shows the flag alone. */
const truth = ' [true|false]'

/** A flag as help shows it. */
export function flagTerm({ flags }: Pick<Option, 'flags'>): string {
  return flags.replace(truth, '')
}

/** Add the flags of the settings to a command. */
export function addSettingFlags(command: Command): void {
  for (const [heading, flags] of Object.entries(flagGroups)) {
    for (const [name, text] of Object.entries(flags) as [Name, FlagText][]) {
      const { flag, type } = settingNames[name]
      const short = text.short === undefined ? '' : `-${text.short}, `
      const argument = text.argument === undefined ? truth : ` <${text.argument}>`
      const option = new (commander().Option)(`${short}--${flag}${argument}`, text.description)
      // The reason for the cast: which type goes with which value is the table's to say.
      command.addOption(option.argParser(parserOf(settingTypes[type] as SettingType<unknown>)).helpGroup(heading))
    }
  }
  // The name of before: dockerd's is --data-root.
  command.addOption(new (commander().Option)('--root <folder>').hideHelp())
}

/** The flags that were given, by the names of the settings. */
export function settingsOfFlags(options: Readonly<Record<string, unknown>>): DaemonSettings {
  const entries = Object.entries(settingNames).flatMap(([name, { flag }]) => {
    const value = options[flag.replace(/-(\w)/g, (_match, letter: string) => letter.toUpperCase())]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...(typeof options.root === 'string' && { root: options.root }), ...Object.fromEntries(entries) }
}

function parserOf(type: SettingType<unknown>): (text: string, before: unknown) => unknown {
  return (text, before) => {
    const value = type.ofFlag(text, before)
    if (value === undefined) throw new (commander().InvalidArgumentError)(`Expected ${type.expected}.`)
    return value
  }
}
