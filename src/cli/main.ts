#!/usr/bin/env node
import { createRequire } from 'node:module'
import { EngineError } from '../errors/index.js'
import { commander } from './commander.js'
import { daemonCommand } from './daemon-command.js'
import { flagTerm } from './daemon-flags.js'
import { Log } from './log.js'
import { loginCommand, logoutCommand } from './login-command.js'
import { registryCommand } from './registry-command.js'

/** The package's own description of itself. */
const { version } = createRequire(import.meta.url)('gantry/package.json') as { readonly version: string }

const { Command, CommanderError } = commander()

const program = new Command('gantry')
  .description('A container engine inside a Node.js process. This command serves it to Docker clients, and serves registries.')
  .version(version, '-v, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .helpCommand(false)
  .configureHelp({ optionTerm: flagTerm })
  .showHelpAfterError('(run with --help to see what there is)')
  .exitOverride()

program.addCommand(daemonCommand(version).copyInheritedSettings(program).exitOverride())
for (const command of [loginCommand(), logoutCommand()]) program.addCommand(command.copyInheritedSettings(program).exitOverride())
program.addCommand(registryCommand(version).copyInheritedSettings(program).exitOverride())

// Not at the top level: the file is also built for a format that cannot wait there.
program.parseAsync().catch((error: unknown) => {
  // commander has said what was wrong already.
  if (error instanceof CommanderError) process.exitCode = error.exitCode
  else {
    new Log().error(EngineError.is(error) ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error))
    process.exitCode = 1
  }
})
