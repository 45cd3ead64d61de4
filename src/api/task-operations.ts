import { defineOperation } from './define-operation.js'
import type { Task } from './definitions/task.js'
import { filters } from './parameter.js'

/** Tasks of the swarm. `docker service ps`, `docker node ps` */
export const TaskList = defineOperation<readonly Task[]>()({
  id: 'TaskList',
  method: 'GET',
  path: '/tasks',
  request: 'none',
  response: 'json',
  query: { filters }
})

/** One task. */
export const TaskInspect = defineOperation<Task>()({
  id: 'TaskInspect',
  method: 'GET',
  path: '/tasks/{id}',
  request: 'none',
  response: 'json'
})
