/** Say something to whoever started the command. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Say what went wrong. */
export function complain(line: string): void {
  process.stderr.write(`gantry: ${line}\n`)
}
