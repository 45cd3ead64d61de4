// A crowd of clients in a process of its own: node daemon-crowd-client.mjs <socket> <count> [text]
// Opens connections, sends the text on each, then writes a line of what became of them; once more after each line on stdin, and ends with it.
import { createConnection } from 'node:net'
import { createInterface } from 'node:readline'

const [, , path, count, text = ''] = process.argv
const state = { connected: 0, closed: 0, failed: 0, refused: 0 }
const sockets = []

const connect = () =>
  new Promise(resolve => {
    const socket = createConnection(path, () => {
      state.connected++
      if (text !== '') socket.write(text)
      resolve()
    })
    socket.on('data', data => {
      if (data.toString('latin1').includes(' 503 ')) state.refused++
    })
    socket.on('close', hadError => {
      if (!hadError) state.closed++
    })
    socket.on('error', error => {
      // The queue of those that wait to be taken is full.
      if (error.code === 'EAGAIN') setTimeout(() => connect().then(resolve), 10)
      else {
        state.failed++
        resolve()
      }
    })
    sockets.push(socket)
  })

for (let done = 0; done < Number(count); done += 50) await Promise.all(Array.from({ length: 50 }, connect))
const tell = () => process.stdout.write(`${JSON.stringify(state)}\n`)
tell()
createInterface({ input: process.stdin })
  .on('line', tell)
  .on('close', () => process.exit())
