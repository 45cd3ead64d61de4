import type { Command } from 'commander'
import { parseDuration } from '../util/parse-duration.js'
import { commander } from './commander.js'
import { defaultStorage, type RegistrySettings, type UserFile } from './registry-settings.js'

const examples = `
Examples:
  gantry registry
      then: docker push 127.0.0.1:5000/app:1
  gantry registry --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem \\
      --htpasswd users --anonymous-pull
  gantry registry --proxy https://registry-1.docker.io
      then: docker pull 127.0.0.1:5000/library/busybox

Signals:
  SIGTERM, SIGINT  stop in order, a second one at once; uploads can be gone on with`

const repeated = '; may be given several times'

/** `gantry registry`. */
export function registryCommand(version: string): Command {
  const { Command, InvalidArgumentError, Option } = commander()
  const option = (flags: string, description: string) => new Option(flags, description)
  const command = new Command('registry')
    .description('serve a registry that docker, skopeo, podman and Gantry push to and pull from; needs no root')
    .helpOption('-h, --help', 'print this help')

  const groups = {
    'Where it listens, and where it keeps its things:': [
      option('--listen <address>', 'host:port (default: 127.0.0.1:5000)').argParser(parseListen),
      option('--storage <folder>', `folder of blobs, tags and uploads (default: ${defaultStorage()})`),
      option('--tls-cert <file>', 'certificate of this server: without one it speaks plain HTTP'),
      option('--tls-key <file>', 'key of this server')
    ],
    'Who may do what:': [
      option('--htpasswd <file>', 'users, with passwords hashed by bcrypt: htpasswd -B'),
      option('--user <name:file>', `a user, and the file that the password is in${repeated}`).argParser(collectUsers),
      option('--anonymous-pull', 'let those without a name pull'),
      option('--read-only', 'nothing is pushed or deleted')
    ],
    'A cache of another registry:': [
      option('--proxy <url>', 'fetch what is not here from there, and keep it'),
      option('--proxy-user <name:file>', 'who to be there, and the file that the password is in').argParser(parseUser)
    ],
    'Besides:': [
      option('--gc [age]', 'remove blobs older than this (default: 24h) that no manifest names, and end').argParser(parseAge),
      option('-D, --debug', 'tell of each request')
    ]
  }
  for (const [heading, options] of Object.entries(groups)) for (const each of options) command.addOption(each.helpGroup(heading))
  command.addHelpText('after', examples)
  return command.action(async (options: RegistrySettings) => {
    const { runRegistry } = await import('./run-registry.js')
    await runRegistry(options, version)
  })

  function parseListen(text: string): RegistrySettings['listen'] {
    const match = /^(?:\[([0-9a-f:.]+)\]|([^:\s]*)):(\d{1,5})$/i.exec(text)
    const port = Number(match?.[3])
    if (match === null || port > 65_535) throw new InvalidArgumentError('Expected host:port, such as 127.0.0.1:5000.')
    // Without a host: everybody's, as in other programs.
    return { host: match[1] ?? (match[2] || '0.0.0.0'), port }
  }

  function parseUser(text: string): UserFile {
    const colon = text.indexOf(':')
    if (colon < 1 || colon === text.length - 1) throw new InvalidArgumentError('Expected name:file, the file with the password in it.')
    return { name: text.slice(0, colon), file: text.slice(colon + 1) }
  }

  function collectUsers(text: string, before: readonly UserFile[] = []): readonly UserFile[] {
    return [...before, parseUser(text)]
  }

  function parseAge(text: string): number {
    const age = parseDuration(/^\d+$/.test(text) ? `${text}s` : text)
    if (age === undefined) throw new InvalidArgumentError('Expected an age such as 24h or 30m.')
    return age
  }
}
