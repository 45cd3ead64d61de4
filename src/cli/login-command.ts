import type { Command } from 'commander'
import { commander } from './commander.js'
import type { LoginFlags } from './run-login.js'

const examples = `
Examples:
  gantry login
  gantry login --username me --password-stdin registry.example.com < password.txt

Credentials go where the docker command has them: to the credential helper that ~/.docker/config.json names, else into that file.`

/** `gantry login`. */
export function loginCommand(): Command {
  return new (commander().Command)('login')
    .description('log in to a registry, for gantry and docker alike')
    .helpOption('-h, --help', 'print this help')
    .argument('[server]', 'host of the registry, with its port (default: Docker Hub)')
    .option('-u, --username <name>', 'who to be (default: asked for)')
    .option('--password-stdin', 'read the password from standard input (default: asked for)')
    .option('--insecure', 'accept any certificate, and plain HTTP')
    .addHelpText('after', examples)
    .action(async (server: string | undefined, flags: LoginFlags) => {
      const { runLogin } = await import('./run-login.js')
      await runLogin(server ?? '', flags)
    })
}

/** `gantry logout`. */
export function logoutCommand(): Command {
  return new (commander().Command)('logout')
    .description('forget the credentials of a registry, for gantry and docker alike')
    .helpOption('-h, --help', 'print this help')
    .argument('[server]', 'host of the registry, with its port (default: Docker Hub)')
    .action(async (server: string | undefined) => {
      const { runLogout } = await import('./run-login.js')
      await runLogout(server ?? '')
    })
}
