import type { Command } from 'commander'
import { commander } from './commander.js'
import { mergeSettings, readConfigFile } from './config-file.js'
import { type DaemonSettings, defaultHost, settingNames } from './daemon-settings.js'

const examples = `
Examples:
  gantry daemon -H unix:///run/gantry.sock
      then: docker -H unix:///run/gantry.sock ps
  gantry daemon -H unix:///run/gantry.sock -H tcp://0.0.0.0:2376 \\
      --tlsverify --tlscacert ca.pem --tlscert cert.pem --tlskey key.pem

Signals: SIGTERM and SIGINT stop it in order, a second one at once; its containers go on. SIGHUP reads --config-file again
(debug, labels, registry-mirrors, insecure-registries, shutdown-timeout; the rest takes a restart).`

/** `gantry daemon`. */
export function daemonCommand(version: string): Command {
  const command = new (commander().Command)('daemon')
    .description('serve this host as a container engine to Docker clients (docker, Compose, Testcontainers, SDKs)')
    .helpOption('-h, --help', 'print this help')
    .option(
      '-H, --host <address>',
      `address to listen on, unix:// or tcp://; may be given several times (default: ${defaultHost})`,
      collect
    )
    .option('--root <folder>', 'data root (default: /var/lib/gantry)')
    .option('--default-runtime <name>', 'OCI runtime, by name or path (default: crun, else runc)')
    .option('--registry-mirror <url>', 'mirror of Docker Hub, tried first; may be given several times', collect)
    .option(
      '--insecure-registry <host or range>',
      'registry, or range of addresses such as 10.0.0.0/8, to reach by plain HTTP or unchecked TLS; may be given several times',
      collect
    )
    .option('--tlsverify', 'on TCP, take only clients with a certificate of --tlscacert')
    .option('--tlscacert <file>', 'authority of the clients (default: ~/.docker/ca.pem)')
    .option('--tlscert <file>', 'certificate of this server (default: ~/.docker/cert.pem)')
    .option('--tlskey <file>', 'key of this server (default: ~/.docker/key.pem)')
    .option('--insecure-tcp-without-authentication', 'listen on TCP for everybody: whoever reaches the port is root on this machine')
    .option('-G, --group <group>', 'who may use the UNIX socket (default: docker, where there is such a group)')
    .option('-p, --pidfile <file>', 'write the process id there; refused where the process of the one that is there lives')
    .option(
      '--shutdown-timeout <seconds>',
      'how long requests may take to finish when it stops, negative: as long as they like (default: 15)',
      wholeSeconds
    )
    .option('--label <key=value>', 'label of this engine, shown by docker info; may be given several times', collect)
    .option('--config-file <file>', "JSON file with these settings under dockerd's names (hosts, data-root, registry-mirrors, ...)")
    .option('-D, --debug', 'tell of each request')
    .addHelpText('after', examples)
  return command.action(async (options: Readonly<Record<string, unknown>>) => {
    const flags = settingsOf(options)
    const configFile = typeof options.configFile === 'string' ? options.configFile : undefined
    const settings = mergeSettings(flags, configFile === undefined ? {} : await readConfigFile(configFile))
    const { runDaemon } = await import('./run-daemon.js')
    await runDaemon({ settings, flags, version, ...(configFile !== undefined && { configFile }) })
  })
}

/** The flags that were given, by the names of the settings. */
function settingsOf(options: Readonly<Record<string, unknown>>): DaemonSettings {
  const entries = Object.entries(settingNames).flatMap(([name, { flag }]) => {
    const value = options[flag.replace(/-(\w)/g, (_match, letter: string) => letter.toUpperCase())]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(entries)
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

function wholeSeconds(text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text)
  throw new (commander().InvalidArgumentError)('Expected a whole number of seconds.')
}
