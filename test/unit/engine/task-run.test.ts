import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { EngineEvent } from '../../../src/engine/events/engine-event.js'
import { TaskRun } from '../../../src/engine/events/task-run.js'
import { collect, rejection } from './kit/rejection.js'

const progress = (current: number): EngineEvent => ({
  type: 'image.pull.progress',
  ref: 'a',
  layer: 'l',
  phase: 'downloading',
  current,
  total: 10
})

it('starts once, and gives its result and its events as often as they are asked for', async () => {
  let starts = 0
  const task = new TaskRun(async emit => {
    starts += 1
    emit(progress(1))
    await turn()
    emit(progress(2))
    return 'done'
  })
  expect(await Promise.all([task, task])).toEqual(['done', 'done'])
  expect(await collect(task)).toEqual([progress(1), progress(2)])
  expect(await collect(task)).toHaveLength(2)
  expect(starts).toBe(1)
})

it('throws its failure from the loop, after the events, and from await', async () => {
  const reason = new Error('broken')
  const task = new TaskRun(async emit => {
    emit(progress(1))
    throw reason
  })
  const seen: EngineEvent[] = []
  const loop = (async () => {
    for await (const event of task) seen.push(event)
  })()
  expect(await rejection(loop)).toBe(reason)
  expect(seen).toHaveLength(1)
  expect(await rejection(task)).toBe(reason)
})

it('goes on when its loop is left', async () => {
  const task = new TaskRun(async emit => {
    emit(progress(1))
    await turn()
    emit(progress(2))
    return 5
  })
  for await (const _ of task) break
  expect(await task).toBe(5)
})

it('tells its listeners the type they asked for', async () => {
  const heard: number[] = []
  const task = new TaskRun<void>(async emit => {
    await turn()
    emit(progress(3))
    emit({ type: 'image.pulled', ref: 'a', digest: 'sha256:1', bytes: 3, fromCache: false })
  }).on('image.pulled', event => heard.push(event.bytes))
  await task
  expect(heard).toEqual([3])
})

it('is no unhandled rejection when nobody waits for it', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => {
    unhandled.push(reason)
  }
  process.on('unhandledRejection', note)
  new TaskRun(() => Promise.reject(new Error('nobody cares')))
  await turn()
  await turn()
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

it('says that events are missing when a late loop finds too many', async () => {
  const task = new TaskRun<void>(async emit => {
    for (let count = 0; count < 1500; count++) emit(progress(count))
  })
  await task
  const [first, ...others] = await collect(task)
  expect(first).toMatchObject({ type: 'gap', reason: 'overflow' })
  expect(others.at(-1)).toEqual(progress(1499))
  expect(others.length).toBeLessThanOrEqual(1000)
})
