import dgram from 'node:dgram'
import net from 'node:net'
import type { Container, Engine } from 'gantry'
import {
  ContainerCreate,
  type ContainerCreateRequest,
  ContainerStart,
  NetworkCreate,
  type NetworkCreateRequest,
  NetworkDelete,
  NetworkInspect
} from 'gantry/api'
import { run } from '../../lab/programs.js'

/** A network for the time of a behaviour. */
export interface LabNetwork extends AsyncDisposable {
  readonly id: string
  readonly name: string
}

/** Make a network that goes away at the end of the block. Containers in it are taken out by force. */
export async function makeNetwork(engine: Engine, name: string, body: Partial<NetworkCreateRequest> = {}): Promise<LabNetwork> {
  const { Id: id } = await engine.raw.call(NetworkCreate, { body: { Name: name, CheckDuplicate: true, ...body } })
  return {
    id,
    name,
    async [Symbol.asyncDispose]() {
      const { Containers = {} } = await engine.raw.call(NetworkInspect, { path: { id } })
      for (const container of Object.keys(Containers)) await (await engine.container(container)).remove({ force: true })
      await engine.raw.call(NetworkDelete, { path: { id } })
    }
  }
}

/** Make a container by the raw call, for what the fluent API has no word for, and start it. */
export async function startContainer(engine: Engine, body: ContainerCreateRequest, name?: string): Promise<Container> {
  const { Id: id } = await engine.raw.call(ContainerCreate, { ...(name !== undefined && { query: { name } }), body })
  await engine.raw.call(ContainerStart, { path: { id } })
  return engine.container(id)
}

/** A port to ask. */
export interface Target {
  /** Where it is asked from. Undefined: here. */
  readonly namespace?: string | undefined
  /** @default 127.0.0.1 */
  readonly address?: string
  readonly port: number
}

/** What a TCP server says to one connection; what went wrong, where nothing comes. */
export function ask(target: Target): Promise<string> {
  return inNamespace(target, askStream)
}

/** What a UDP server answers to a message, which is said again until then: messages get lost. */
export function askDatagram(target: Target, say: string): Promise<string> {
  return inNamespace(target, askDatagrams, say)
}

type Ask = (modules: Modules, address: string, port: number, say: string) => Promise<string>

interface Modules {
  readonly net: typeof net
  readonly dgram: typeof dgram
}

/** Elsewhere it is done by another process, which is given the function's text. */
async function inNamespace({ namespace, address = '127.0.0.1', port }: Target, work: Ask, say = ''): Promise<string> {
  if (namespace === undefined) return work({ net, dgram }, address, port, say)
  const values = JSON.stringify([address, port, say])
  const script = `(${work})({ net: require('node:net'), dgram: require('node:dgram') }, ...${values}).then(text => process.stdout.write(text))`
  return run(['nsenter', `--net=${namespace}`, process.execPath, '-e', script])
}

const askStream: Ask = ({ net: { connect } }, address, port) =>
  new Promise(resolve => {
    let text = ''
    const socket = connect({ host: address, port })
    socket.setTimeout(3000, () => socket.destroy(Object.assign(new Error('timeout'), { code: 'timeout' })))
    socket.on('connect', () => socket.end())
    socket.on('data', chunk => {
      text += chunk.toString()
    })
    socket.on('error', error => resolve(`error ${'code' in error ? error.code : error.message}`))
    socket.on('close', () => resolve(text))
  })

const askDatagrams: Ask = ({ dgram: { createSocket } }, address, port, say) =>
  new Promise(resolve => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    const send = () => socket.send(say, port, address, () => {})
    const repeat = setInterval(send, 200)
    const finish = (answer: string) => {
      clearInterval(repeat)
      clearTimeout(limit)
      socket.close()
      resolve(answer)
    }
    const limit = setTimeout(() => finish('no answer'), 10_000)
    socket.once('message', message => finish(message.toString()))
    // A port that nobody listens on yet.
    socket.on('error', () => {})
    send()
  })
