import {
  ContainerAttach,
  ContainerCreate,
  type ContainerCreateRequest,
  ContainerDelete,
  ContainerInspect,
  ContainerKill,
  ContainerResize,
  ContainerStart,
  ContainerWait
} from '../../../../src/api/index.js'
import type { Frame, Hijacked } from '../../../../src/api/operation.js'
import { EngineHandle } from '../../../../src/engine/engine-handle.js'
import { EngineError } from '../../../../src/errors/index.js'
import { AsyncQueue } from '../../../../src/util/async-queue.js'
import { type Deferred, deferred } from '../../../../src/util/deferred.js'
import { FakeTransport } from './fake-transport.js'

/** What a scripted process may do. */
export interface Script {
  stdout(text: string | Uint8Array): Promise<void>
  stderr(text: string | Uint8Array): Promise<void>
  /** Everything written to stdin, after its end. */
  readonly stdin: Promise<string>
  /** The next chunk that is written to stdin. */
  typed(): Promise<string>
  readonly killed: Promise<string>
}

export type Program = (script: Script) => Promise<number> | number

/** A container of the fake engine. */
export class FakeContainer {
  readonly id: string
  readonly body: ContainerCreateRequest
  readonly name: string
  readonly exit: Deferred<number> = deferred()
  readonly removed: Deferred<void> = deferred()
  readonly killed: Deferred<string> = deferred()
  readonly input: Deferred<string> = deferred()
  readonly keys = new AsyncQueue<string>({ limit: 1000 })
  readonly sizes: string[] = []
  status: 'created' | 'running' | 'exited' = 'created'
  exitCode = 0
  isConnected = false
  isStdinClosed = false
  #written = ''
  output = new AsyncQueue<Frame>({ limit: 4 })

  constructor(id: string, name: string, body: ContainerCreateRequest) {
    this.id = id
    this.name = name
    this.body = body
  }

  connect(): Hijacked {
    this.isConnected = true
    const close = async (): Promise<void> => {
      this.isConnected = false
    }
    return {
      tty: this.body.Tty ?? false,
      output: this.output,
      write: async chunk => {
        const text = Buffer.from(chunk).toString()
        this.#written += text
        this.keys.push(text)
      },
      closeWrite: async () => {
        this.isStdinClosed = true
        this.input.resolve(this.#written)
      },
      close,
      [Symbol.asyncDispose]: close
    }
  }

  async run(program: Program): Promise<void> {
    this.status = 'running'
    const write = async (stream: 'stdout' | 'stderr', data: string | Uint8Array): Promise<void> => {
      await this.output.push({ stream, data: Buffer.from(data as string) })
    }
    const keys = this.keys[Symbol.asyncIterator]()
    const script: Script = {
      stdout: text => write('stdout', text),
      stderr: text => write('stderr', text),
      stdin: this.input.promise,
      typed: async () => (await keys.next()).value ?? '',
      killed: this.killed.promise
    }
    this.exitCode = await Promise.race([program(script), this.killed.promise.then(() => 137)])
    this.status = 'exited'
    this.output.end()
    this.exit.resolve(this.exitCode)
    if (this.body.HostConfig?.AutoRemove) this.removed.resolve()
  }
}

/** An engine handle over a fake engine with one program: every container runs it. */
export class FakeEngine {
  readonly transport: FakeTransport
  readonly engine: EngineHandle
  readonly containers = new Map<string, FakeContainer>()
  #program: Program = () => 0

  constructor(kind: FakeTransport['kind'] = 'unix') {
    this.transport = new FakeTransport(kind)
    this.engine = new EngineHandle({
      transport: this.transport,
      candidates: [],
      registries: {},
      capabilities: { fork: false, build: false, swarm: false, rootless: false, limits: true, networks: [], ipv6: false, trust: false }
    })
    this.#answer()
  }

  /** What containers run from now on. */
  runs(program: Program): this {
    this.#program = program
    return this
  }

  /** The container that was made last. */
  get last(): FakeContainer {
    const last = [...this.containers.values()].at(-1)
    if (last === undefined) throw new Error('No container was made')
    return last
  }

  find(id: string): FakeContainer {
    const container = this.containers.get(id) ?? [...this.containers.values()].find(({ name }) => name === id)
    if (container === undefined) throw new EngineError('not_found', `No such container: ${id}`)
    return container
  }

  #answer(): void {
    let counter = 0
    this.transport
      .answer(ContainerCreate, ({ query, body }) => {
        const id = String(++counter).padStart(64, '0')
        this.containers.set(id, new FakeContainer(id, query?.name ?? `fake_${counter}`, body))
        return { Id: id, Warnings: [] }
      })
      .answer(ContainerAttach, ({ path }) => this.find(path.id).connect())
      .answer(ContainerWait, async ({ path, query }) => {
        const container = this.find(path.id)
        if (query?.condition === 'removed') await container.removed.promise
        if (query?.condition === 'not-running' && container.status !== 'running') return { StatusCode: container.exitCode }
        return { StatusCode: await container.exit.promise }
      })
      .answer(ContainerStart, ({ path }) => {
        void this.find(path.id).run(this.#program)
        return { modified: true }
      })
      .answer(ContainerKill, ({ path, query }) => {
        const container = this.find(path.id)
        if (container.status !== 'running') throw new EngineError('conflict', `Container ${path.id} is not running`)
        container.killed.resolve(query?.signal ?? 'SIGKILL')
        return { modified: true }
      })
      .answer(ContainerResize, ({ path, query }) => {
        this.find(path.id).sizes.push(`${query.w}x${query.h}`)
        return { modified: true }
      })
      .answer(ContainerDelete, ({ path }) => {
        const container = this.find(path.id)
        this.containers.delete(container.id)
        container.killed.resolve('SIGKILL')
        container.removed.resolve()
        return { modified: true }
      })
      .answer(ContainerInspect, ({ path }) => {
        const { id, name, body, status, exitCode } = this.find(path.id)
        const State = { Status: status, Running: status === 'running', ExitCode: exitCode, StartedAt: '2026-01-01T00:00:00.5Z' }
        const Networks = body.HostConfig?.NetworkMode === 'none' ? {} : { bridge: {} }
        // The reason for the cast: only what the handles read.
        return { Id: id, Name: `/${name}`, Config: body, State, NetworkSettings: { Networks } } as never
      })
  }
}
