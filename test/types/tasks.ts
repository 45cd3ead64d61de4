// The everyday tasks, as types: compiled by `npm run typecheck`, never run. What the compiler must refuse is at the end.
import {
  type Container,
  copy,
  createEngine,
  type Engine,
  EngineError,
  type EngineEvent,
  ExitError,
  host,
  type Image,
  type ImageSpec,
  tmpfs
} from 'gantry'
import { ContainerCreate, ContainerInspect } from 'gantry/api'
import { z } from 'zod'

export async function tasks(): Promise<void> {
  await using engine = await createEngine()
  // pull, with progress
  await engine.image('alpine:3.20').pull()
  for await (const event of engine.image('node:22').pull()) {
    if (event.type === 'image.pull.progress') console.log(event.layer, event.current / event.total)
  }
  // run and capture
  const kernel: string = await engine.image('alpine').run(['uname', '-a']).text()
  const { exitCode, stderr, signal } = await engine.image('alpine').run(['sh', '-c', 'exit 3'])
  const manifest = await engine
    .image('node:22')
    .run(['cat', '/package.json'])
    .json(z.object({ name: z.string() }))
  const name: string = manifest.name
  for await (const { stream, text } of engine.image('alpine').run(['ls'])) console.log(stream satisfies 'stdout' | 'stderr', text)
  // `docker run -i -t ubuntu /bin/bash`
  const shell = engine.image('ubuntu').run(['/bin/bash'], { tty: true })
  const code: number = await shell.terminal.attach(process)
  for await (const text of shell) console.log(text.length)
  const { output } = await shell
  const stopped: Container = await shell.container
  await stopped.start()
  await stopped.remove({ force: true })
  // a container in the background
  await using db = await engine.image('postgres:17').env({ POSTGRES_PASSWORD: 'x' }).limits({ memory: '1g' }).start()
  for await (const line of db.logs({ follow: true, signal: AbortSignal.timeout(5000) })) console.log(line.stream, line.text, line.at)
  const { State } = await db.inspect()
  const running: boolean = State.Running
  const attached = db.attach()
  if ('terminal' in attached) await attached.terminal.resize(80, 24)
  else attached.stdin.end()
  // exec, files, what it uses
  const { stdout } = await db.exec(['psql', '-U', 'postgres', '-c', 'select 1'])
  const inside = db.exec(['sh'], { tty: true })
  await inside.terminal.resize(80, 24)
  await db.fs.write('/init.sql', 'create table t()', { mode: 0o600, user: 'postgres' })
  await db.fs.put('./seed', '/seed')
  const etcHosts: string = await db.fs.readText('/etc/hosts')
  const { cpuPercent } = await db.stats().now()
  for await (const { memoryBytes } of db.stats({ every: '5s' })) if (memoryBytes > 1e9) break
  await db.update({ memory: '1g' })
  const [change] = await db.changes()
  const kind: 'added' | 'changed' | 'deleted' | undefined = change?.kind
  // network, volume, mounts, ports
  await using front = await engine.network('front')
  const data = await engine.volume('pg')
  await using api = await engine
    .image('app')
    .network(front, { alias: 'api' })
    .port(80)
    .publish({ 8080: 80 }, { address: '127.0.0.1' })
    .mount('/data', data)
    .mount('/etc/app', host('./conf', { readonly: true }))
    .mount('/t', tmpfs({ size: '64m' }))
    .mount('/seed', copy('./seed'))
    .health(['true'], { interval: '1s' })
    .restart('on-failure', 3)
    .start()
  const url: string = api.url(80, 'https')
  // commit, scope
  const golden: Image = await db.commit('golden:1', { changes: ['CMD ["server"]'] })
  {
    await using suite = engine.scope('suite')
    await suite.image('redis:8').port(6379).start()
  }
  void [stdout, etcHosts, cpuPercent, kind, url, golden]
  // events
  engine.on('container.exited', event => console.log(event.exitCode, event.oomKilled))
  db.once('container.started', event => console.log(event.at))
  for await (const event of engine.events({ types: ['container.exited'] })) if (event.type === 'container.exited') break
  // archives
  for await (const event of engine.load('./images.tar')) if (event.type === 'image.load.progress') console.log(event.layer, event.current)
  const [loaded]: Image[] = await engine.load(process.stdin, { timeout: '10m' })
  await loaded?.save('./image.tar', { format: 'oci' })
  await golden.save(process.stdout)
  const files: Image = await engine.import('./rootfs.tar', 'rootfs:1', { changes: ['CMD ["sh"]'], platform: 'linux/arm64' })
  void files
  // tag, and the image as a spec
  const image: Image = await engine.image('alpine').pull({ policy: 'missing', auth: { username: 'a', password: 'b' } })
  const spec: ImageSpec = (await image.tag('registry.example.com/team/golden:1')).user('app').network('none').network(db)
  // signatures
  const { digest, signatures } = await image.sign({
    keyPem: 'PEM',
    passphrase: 'x',
    storage: 'both',
    format: 'simple-signing',
    annotations: { stage: 'test' }
  })
  const places: string[] = signatures.map(
    ({ storage, reference, added }) => `${storage satisfies 'tag' | 'referrers'} ${reference} ${added}`
  )
  await engine.image(`alpine@${digest}`).pull({ verify: { keyPem: 'PEM' } })
  void places
  // push
  for await (const event of image.push()) if (event.type === 'image.push.progress') console.log(event.layer, event.phase, event.from)
  const pushed = await engine
    .image('team/golden:1')
    .push({ to: 'registry.example.com/team/golden:1', auth: 'docker-config', timeout: '10m' })
  const pushedDigest: `sha256:${string}` = pushed.digest
  void [pushedDigest, pushed.sizeBytes]
  // the escape hatch, typed by the operation
  const { Id } = await engine.raw.call(ContainerCreate, { body: { Image: 'alpine', HostConfig: { Memory: 5 } } })
  const id: string = (await engine.raw.call(ContainerInspect, { path: { id: Id } })).Id
  // errors
  try {
    await engine.image('alpine').run(['false']).text()
  } catch (error) {
    if (error instanceof ExitError) console.log(error.exitCode, error.stderr)
    if (EngineError.is(error)) console.log(error.code satisfies string)
  }
  const chosen = engine.explain().find(candidate => candidate.chosen)?.reason
  void [kernel, exitCode, stderr, signal, name, code, output, running, spec, id, chosen]
}

export function payloads(event: EngineEvent): string {
  switch (event.type) {
    case 'container.exited':
      return `${event.name} ${event.exitCode}`
    case 'image.pulled':
    case 'image.pushed':
      return event.digest
    case 'gap':
      return event.reason
    default:
      return event.type
  }
}

export async function refused(engine: Engine): Promise<void> {
  // @ts-expect-error a terminal has no separate stderr
  engine.image('x').run(['a'], { tty: true }).stderr
  // @ts-expect-error a pipe process has no terminal
  engine.image('x').run(['a']).terminal
  // @ts-expect-error no such event
  engine.events({ types: ['container.exploded'] })
  // @ts-expect-error no such event
  engine.on('container.exploded', () => {})
  // @ts-expect-error an event of this type has no exit code
  engine.on('container.started', event => event.exitCode)
  // @ts-expect-error a size has a unit
  engine.image('x').limits({ memory: '512' })
  // @ts-expect-error a terminal has no separate stderr, in an exec neither
  ;(await engine.container('x')).exec(['a'], { tty: true }).stderr
  // @ts-expect-error a mount has a source
  engine.image('x').mount('/a', './b')
  // @ts-expect-error no such signal
  await (await engine.container('x')).kill('SIGNONSENSE')
  // @ts-expect-error the operation has no such parameter
  await engine.raw.call(ContainerInspect, { path: { name: 'x' } })
  // @ts-expect-error no such format
  await (await engine.image('x').pull()).save('./x.tar', { format: 'zip' })
  // @ts-expect-error nobody signs without a key
  engine.image('x').sign({ passphrase: 'x' })
  // @ts-expect-error there is nothing to verify in what is sent
  engine.image('x').push({ verify: 'reject-unsigned' })
  // @ts-expect-error a password belongs to the user
  engine.image('x').pull({ auth: { username: 'a' } })
}
