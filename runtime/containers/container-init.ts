import { join } from 'node:path'
import { EngineError } from '../../src/errors/index.js'
import { isExecutable } from '../../src/util/is-executable.js'
import type { SpecMount } from '../oci/runtime-spec.js'

/** Programs that do what Docker's does: hand on signals, and wait for orphans. In this order. */
const programs = ['docker-init', 'tini', 'tini-static', 'catatonit'] as const

const folders = ['/usr/libexec/docker', '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Where Docker shows it to the container. */
const target = '/sbin/docker-init'

/** What `--init` adds to a container. */
export interface ContainerInit {
  readonly mount: SpecMount
  /** Before the container's own command. */
  readonly argv: readonly string[]
}

/** The program that `--init` runs, where this host has one. */
export function initProgram(): string | undefined {
  return programs.flatMap(name => folders.map(folder => join(folder, name))).find(isExecutable)
}

/** @throws EngineError `not_found` where this host has no such program */
export function containerInit(): ContainerInit {
  const source = initProgram()
  if (source === undefined) {
    throw new EngineError(
      'not_found',
      `HostConfig.Init: this host has no init program for containers (${programs.join(', ')}): apt-get install tini`,
      {
        details: { field: 'HostConfig.Init' }
      }
    )
  }
  return { mount: { destination: target, type: 'bind', source, options: ['bind', 'ro', 'rprivate'] }, argv: [target, '--'] }
}
