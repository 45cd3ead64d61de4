import { spawn } from 'node:child_process'
import { root } from './root.mjs'

/**
 * Run a program in the checkout and wait for it.
 *
 * @param {readonly string[]} argv
 * @param {{ show?: boolean, showAfter?: Promise<unknown>, env?: Record<string, string> }} [options] `show`: its output goes straight to
 *   ours; otherwise it is collected, both streams in the order they came. `showAfter`: it is held back until then, and shown from there on.
 * @returns {Promise<{ code: number, output: string, seconds: number }>} `code` is 127 when there is no such program
 */
export function runCommand(argv, options = {}) {
  const began = performance.now()
  const [program, ...rest] = argv
  return new Promise(resolve => {
    const child = spawn(program, rest, {
      cwd: root,
      env: { ...process.env, ...options.env },
      stdio: options.show ? 'inherit' : ['ignore', 'pipe', 'pipe']
    })
    const chunks = []
    child.stdout?.on('data', chunk => chunks.push(chunk))
    child.stderr?.on('data', chunk => chunks.push(chunk))
    options.showAfter?.then(() => {
      process.stdout.write(Buffer.concat(chunks))
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => process.stdout.write(chunk))
    })
    const end = (code, note) => {
      const output = Buffer.concat(chunks).toString() + note
      resolve({ code, output, seconds: (performance.now() - began) / 1000 })
    }
    child.on('error', error => end(127, `${program}: ${error.message}\n`))
    child.on('close', (code, signal) => end(code ?? 1, signal === null ? '' : `${program} was ended by ${signal}\n`))
  })
}

/** Node, started as this process was. */
export const node = process.execPath

/** The program of an npm package in the checkout, to be run without npx. */
export function packageProgram(file) {
  return [node, `node_modules/${file}`]
}
