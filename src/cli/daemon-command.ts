import type { Command } from 'commander'
import { commander } from './commander.js'
import { mergeSettings, readConfigFile } from './config-file.js'
import { addSettingFlags, settingsOfFlags } from './daemon-flags.js'
import { settingNames } from './daemon-settings.js'

/** Keys that SIGHUP reads again, on two lines. */
const reloaded = Object.values(settingNames)
  .filter(({ reloads }) => reloads)
  .map(({ key }, index) => (index === 4 ? `\n      ${key}` : ` ${key}`))
  .join(',')

const examples = `
Examples:
  gantry daemon -H unix:///run/gantry.sock
      then: docker -H unix:///run/gantry.sock ps
  gantry daemon -H unix:///run/gantry.sock -H tcp://0.0.0.0:2376 \\
      --tlsverify --tlscacert ca.pem --tlscert cert.pem --tlskey key.pem

Signals:
  SIGTERM, SIGINT  stop in order, a second one at once; containers go on
  SIGHUP           read --config-file again:
     ${reloaded}`

/** `gantry daemon`. */
export function daemonCommand(version: string): Command {
  const command = new (commander().Command)('daemon')
    .description('serve this host as a container engine to Docker clients (docker, Compose, Testcontainers, SDKs)')
    .helpOption('-h, --help', 'print this help')

  addSettingFlags(command)
  command
    .option('--config-file <file>', "these settings as a JSON object, by dockerd's names (hosts, data-root, ...)")
    .addHelpText('after', examples)
  return command.action(async (options: Readonly<Record<string, unknown>>) => {
    const flags = settingsOfFlags(options)
    const configFile = typeof options.configFile === 'string' ? options.configFile : undefined
    const settings = mergeSettings(flags, configFile === undefined ? {} : await readConfigFile(configFile))
    const { runDaemon } = await import('./run-daemon.js')
    await runDaemon({ settings, flags, version, ...(configFile !== undefined && { configFile }) })
  })
}
