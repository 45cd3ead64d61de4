// A program that does one piece of work with an engine and dies by SIGKILL at a crash point.
// Its argument: {root, point, nth, work, reference, base, name, archive}. Says what it was about to do when it should have died and did not.
import { subscribe } from 'node:diagnostics_channel'
import { createEngine } from 'gantry'
import { ImagePush } from 'gantry/api'

const { root, point, nth, work, ...names } = JSON.parse(process.argv[2])

const works = {
  pull: async engine => void (await engine.image(names.reference).pull()),
  'failing pull': async engine =>
    void (await engine
      .image(names.reference)
      .pull()
      .then(undefined, () => undefined)),
  load: async engine => void (await engine.load(names.archive)),
  push: async engine => {
    const [, repository, tag] = /^(.*):(.*)$/.exec(names.reference)
    const call = { path: { name: repository }, query: { tag }, headers: { 'X-Registry-Auth': 'e30=' } }
    for await (const _ of await engine.raw.call(ImagePush, call));
  },
  commit: async engine => {
    const container = await engine.image(names.base).create()
    await container.fs.write('/made', 'by the container')
    await container.commit(names.name)
  },
  remove: async engine => {
    for await (const image of engine.images()) if (image.tags.includes(names.reference)) await image.remove()
  }
}

const engine = await createEngine({ transport: 'in-process', root })
let seen = 0
subscribe('gantry:crash-point', reached => {
  if (reached === point && ++seen === nth) process.kill(process.pid, 'SIGKILL')
})
await works[work](engine)
await engine.close()
console.log(`${work} never came to ${point} for the ${nth}. time, only ${seen} times`)
