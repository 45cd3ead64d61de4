import type { Command } from 'commander'
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

/** In the order of help. */
const flagTexts = {
  hosts: {
    short: 'H',
    argument: 'address',
    description: `address to listen on, unix:// or tcp://${repeated} (default: ${defaultHost})`
  },
  root: { argument: 'folder', description: 'where images, volumes and containers are kept (default: /var/lib/gantry)' },
  group: { short: 'G', argument: 'group', description: 'who may use the UNIX socket (default: docker, where there is such a group)' },
  pidFile: {
    short: 'p',
    argument: 'file',
    description: 'write the process id there; refused where the process of the one that is there lives'
  },
  debug: { short: 'D', description: 'tell of each request' },
  logLevel: { short: 'l', argument: 'level', description: 'how much to say: debug, info, warn, error or fatal (default: info)' },
  labels: { argument: 'key=value', description: `label of this engine, shown by docker info${repeated}` },
  shutdownTimeoutSeconds: {
    argument: 'seconds',
    description: 'how long requests may take to finish when it stops, negative: as long as they like (default: 15)'
  },
  tlsVerify: { description: 'on TCP, take only clients with a certificate of --tlscacert' },
  tlsCaCert: { argument: 'file', description: 'authority of the clients (default: ~/.docker/ca.pem)' },
  tlsCert: { argument: 'file', description: 'certificate of this server (default: ~/.docker/cert.pem)' },
  tlsKey: { argument: 'file', description: 'key of this server (default: ~/.docker/key.pem)' },
  withoutAuthentication: { description: 'listen on TCP for everybody: whoever reaches the port is root on this machine' },
  registryMirrors: { argument: 'url', description: `mirror of Docker Hub, tried first${repeated}` },
  insecureRegistries: {
    argument: 'host or range',
    description: `registry, or range of addresses such as 10.0.0.0/8, to reach by plain HTTP or unchecked TLS${repeated}`
  },
  maxConcurrentDownloads: { argument: 'count', description: 'layers to pull at a time (default: 3)' },
  runtime: { argument: 'name', description: 'OCI runtime, by name or path (default: crun, else runc)' },
  bridgeAddress: {
    argument: 'address/length',
    description: "the default network's bridge and subnet, such as 10.20.0.1/24 (default: the first free one)"
  },
  addressPools: {
    argument: 'base=...,size=...',
    description: `where networks get their addresses, such as base=10.30.0.0/16,size=24${repeated} (default: Docker's)`
  },
  mtu: { argument: 'bytes', description: 'longest packet on the default network (default: 1500)' },
  userlandProxy: { description: 'accept connections to published ports in this process; nothing else is built (default: true)' },
  liveRestore: { description: 'leave containers running when the daemon stops (default: true)' },
  logDriver: { argument: 'driver', description: 'where the output of containers goes (default: json-file)' },
  logOptions: { argument: 'key=value', description: `option of that driver${repeated}` },
  ulimits: { argument: 'name=soft[:hard]', description: `limit of the processes in containers, such as nofile=1024:2048${repeated}` },
  shmBytes: { argument: 'size', description: "size of containers' /dev/shm (default: 64M)" },
  init: { description: 'run an init program in containers, which hands on signals and reaps processes' },
  dns: { argument: 'address', description: `name server of containers${repeated} (default: the host's)` },
  dnsOptions: { argument: 'option', description: `resolver option of containers${repeated} (default: the host's)` },
  dnsSearch: { argument: 'domain', description: `search domain of containers${repeated} (default: the host's)` }
} as const satisfies Readonly<Record<Name, FlagText>>

/** Add the flags of the settings to a command. */
export function addSettingFlags(command: Command): void {
  for (const [name, text] of Object.entries(flagTexts) as [Name, FlagText][]) {
    const { flag, type } = settingNames[name]
    const short = text.short === undefined ? '' : `-${text.short}, `
    const argument = text.argument === undefined ? ' [boolean]' : ` <${text.argument}>`
    const option = new (commander().Option)(`${short}--${flag}${argument}`, text.description)
    // The reason for the cast: which type goes with which value is the table's to say.
    command.addOption(option.argParser(parserOf(settingTypes[type] as SettingType<unknown>)).preset('true'))
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
