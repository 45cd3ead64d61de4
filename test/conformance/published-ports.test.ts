// Needs: root and the lab (test/lab).
import { createServer } from 'node:net'
import { ContainerCreate, ContainerInspect, ContainerList, ContainerStart } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { ask, askDatagram, startContainer } from './kit/networks.js'
import { eventually } from './kit/streams.js'

/** Answers each connection with a word. */
const say = (word: string, port: number) => ['sh', '-c', `while true; do echo ${word} | nc -l -p ${port}; done`]

/** busybox has no UDP server, perl is in every Debian. */
const echo = 'my $s = IO::Socket::INET->new(Proto => "udp", LocalPort => 53) or die; while ($s->recv(my $m, 512)) { $s->send($m) }'

conform(
  'published ports',
  {
    'a published TCP port leads to the container': async ({ engine, reference, portsIn }) => {
      const container = await startContainer(engine, {
        Image: reference('busybox'),
        Cmd: say('hello', 80),
        ExposedPorts: { '80/tcp': {} },
        HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '18080' }] } }
      })
      await eventually(async () => (await ask({ namespace: portsIn, port: 18080 })) === 'hello\n')
      const { Ports } = (await container.inspect()).NetworkSettings
      expect(Ports['80/tcp']).toContainEqual({ HostIp: '0.0.0.0', HostPort: '18080' })
      await container.remove({ force: true })
      expect(await ask({ namespace: portsIn, port: 18080 })).toBe('error ECONNREFUSED')
    },

    'a published UDP port leads to the container': async ({ engine, reference, portsIn }) => {
      await engine.image(reference('debian')).pull({ policy: 'missing' })
      const container = await startContainer(engine, {
        Image: reference('debian'),
        Cmd: ['perl', '-MIO::Socket::INET', '-e', echo],
        ExposedPorts: { '53/udp': {} },
        HostConfig: { PortBindings: { '53/udp': [{ HostPort: '18053' }] } }
      })
      expect(await askDatagram({ namespace: portsIn, port: 18053 }, 'echo')).toBe('echo')
      expect((await container.inspect()).NetworkSettings.Ports['53/udp']).toContainEqual({ HostIp: '0.0.0.0', HostPort: '18053' })
    },

    'without a host port a free one is taken, and told': async ({ engine, reference, portsIn }) => {
      const container = await startContainer(engine, {
        Image: reference('busybox'),
        Cmd: say('free', 80),
        ExposedPorts: { '80/tcp': {} },
        HostConfig: { PortBindings: { '80/tcp': [{}] } }
      })
      const [binding] = (await container.inspect()).NetworkSettings.Ports['80/tcp'] ?? []
      expect(Number(binding?.HostPort)).toBeGreaterThan(1023)
      await eventually(async () => (await ask({ namespace: portsIn, port: Number(binding?.HostPort) })) === 'free\n')
    },

    'PublishAllPorts publishes what is exposed, and what is exposed only is told as such': async ({ engine, reference }) => {
      const body = { Image: reference('busybox'), Cmd: ['sleep', '1000'], ExposedPorts: { '80/tcp': {}, '90/udp': {} } }
      const all = await startContainer(engine, { ...body, HostConfig: { PublishAllPorts: true } })
      const { Ports } = (await all.inspect()).NetworkSettings
      expect(Object.keys(Ports).sort()).toEqual(['80/tcp', '90/udp'])
      for (const bindings of Object.values(Ports)) expect(bindings?.[0]?.HostPort).toMatch(/^\d+$/)
      const none = await startContainer(engine, body)
      expect((await none.inspect()).NetworkSettings.Ports).toEqual({ '80/tcp': null, '90/udp': null })
    },

    'lists tell the ports of what runs, and nothing of what does not': async ({ engine, reference, unique }) => {
      const name = unique()
      const container = await startContainer(
        engine,
        {
          Image: reference('busybox'),
          Cmd: ['sleep', '1000'],
          ExposedPorts: { '80/tcp': {}, '7777/tcp': {} },
          HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18081' }] } }
        },
        name
      )
      const row = async () => (await engine.raw.call(ContainerList, { query: { all: true, filters: { name: [name] } } }))[0]
      expect([...((await row())?.Ports ?? [])].sort((a, b) => a.PrivatePort - b.PrivatePort)).toEqual([
        { IP: '127.0.0.1', PrivatePort: 80, PublicPort: 18081, Type: 'tcp' },
        { PrivatePort: 7777, Type: 'tcp' }
      ])
      await container.kill()
      await container.wait()
      expect((await row())?.Ports).toEqual([])
      expect((await container.inspect()).NetworkSettings.Ports).toEqual({})
    },

    'a port that another container has is refused, and the container does not run': async ({ engine, reference }) => {
      const body = {
        Image: reference('busybox'),
        Cmd: ['sleep', '1000'],
        ExposedPorts: { '80/tcp': {} },
        HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '18082' }] } }
      }
      const first = await startContainer(engine, body)
      const { Id: id } = await engine.raw.call(ContainerCreate, { body })
      await expectError(
        engine.raw.call(ContainerStart, { path: { id } }),
        'failed',
        /driver failed programming external connectivity on endpoint .*: Bind for 0\.0\.0\.0:18082 failed: port is already allocated/
      )
      const { State } = await engine.raw.call(ContainerInspect, { path: { id } })
      expect([State.Status, State.ExitCode]).toEqual(['created', 128])
      await first.remove({ force: true })
      await engine.raw.call(ContainerStart, { path: { id } })
    },

    'of a range the first that is free is taken': async ({ engine, reference }) => {
      const body = {
        Image: reference('busybox'),
        Cmd: ['sleep', '1000'],
        ExposedPorts: { '80/tcp': {} },
        HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '18090-18095' }] } }
      }
      const portOf = async () => (await (await startContainer(engine, body)).inspect()).NetworkSettings.Ports['80/tcp']?.[0]?.HostPort
      expect([await portOf(), await portOf()]).toEqual(['18090', '18091'])
    },

    'on the network of the host ports are not published, and the caller is told': async ({ engine, reference }) => {
      const { Warnings } = await engine.raw.call(ContainerCreate, {
        body: { Image: reference('busybox'), HostConfig: { NetworkMode: 'host', PortBindings: { '80/tcp': [{ HostPort: '80' }] } } }
      })
      expect(Warnings).toEqual(['Published ports are discarded when using host network mode'])
    },

    'what is no port is refused by its text': async ({ engine, reference }) => {
      for (const PortBindings of [{ '80/tcp': [{ HostPort: 'abc' }] }, { abc: [{ HostPort: '1' }] }]) {
        const body = { Image: reference('busybox'), HostConfig: { PortBindings } }
        await expectError(engine.raw.call(ContainerCreate, { body }), 'invalid_argument', /invalid port specification: "abc"/)
      }
    },

    'containers reach a published port by the host, on the same network too': async ({ engine, image, reference, portsIn }) => {
      const server = await startContainer(engine, {
        Image: reference('busybox'),
        Cmd: say('round', 80),
        ExposedPorts: { '80/tcp': {} },
        HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '18083' }] } }
      })
      await eventually(async () => (await ask({ namespace: portsIn, port: 18083 })) === 'round\n')
      const { Gateway } = (await server.inspect()).NetworkSettings
      expect(await image.run(['nc', '-w', '3', Gateway ?? '', '18083']).text()).toBe('round\n')
    },

    'a container that starts again has its ports again': async ({ engine, reference, portsIn }) => {
      const container = await startContainer(engine, {
        Image: reference('busybox'),
        Cmd: say('again', 80),
        ExposedPorts: { '80/tcp': {} },
        HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '18084' }] } }
      })
      await container.restart({ grace: 0 })
      await eventually(async () => (await ask({ namespace: portsIn, port: 18084 })) === 'again\n')
    },

    'lists can be filtered by exposed and published ports': async ({ engine, reference }) => {
      const container = await startContainer(engine, {
        Image: reference('busybox'),
        Cmd: ['sleep', '1000'],
        ExposedPorts: { '80/tcp': {}, '90/udp': {} },
        HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '18085' }] } }
      })
      const found = async (filters: Record<string, string[]>) =>
        (await engine.raw.call(ContainerList, { query: { filters } })).map(({ Id }) => Id)
      expect(await found({ publish: ['18085'] })).toEqual([container.id])
      expect(await found({ publish: ['18085/udp'] })).toEqual([])
      expect(await found({ expose: ['85-95/udp'] })).toEqual([container.id])
      expect(await found({ expose: ['90'] })).toEqual([])
    }
  },
  { world: true, images: ['debian'] }
)

// The next two are of engines whose ports are on this machine.
conform(
  'published ports of this machine',
  {
    'a port is reached on loopback, by IPv4 and IPv6': async ({ engine, reference, portsIn }) => {
      if (portsIn !== undefined) return
      await startContainer(engine, {
        Image: reference('busybox'),
        Cmd: say('both', 80),
        HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '18086' }] } }
      })
      await eventually(async () => (await ask({ address: '127.0.0.1', port: 18086 })) === 'both\n')
      await eventually(async () => (await ask({ address: '::1', port: 18086 })) === 'both\n')
    },

    'a port that another program has is refused': async ({ engine, reference, portsIn }) => {
      if (portsIn !== undefined) return
      const other = createServer().listen(18087, '0.0.0.0')
      try {
        const started = startContainer(engine, {
          Image: reference('busybox'),
          Cmd: ['sleep', '1000'],
          HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '18087' }] } }
        })
        await expectError(started, 'failed', /listen tcp4 0\.0\.0\.0:18087: bind: address already in use/)
      } finally {
        other.close()
      }
    }
  },
  { world: true }
)
