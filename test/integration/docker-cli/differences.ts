/** A command that answers differently from dockerd 20.10, on purpose or because something is not built yet. */
export interface Difference {
  readonly command: string
  readonly reason: string
}

/** Commands of the scenario that may answer differently, and why. `docs/COMPATIBILITY.md` lists them. */
export const differences: readonly Difference[] = [
  {
    command: 'docker pull $IMAGE',
    reason: 'An image that is up to date: its layers are listed as there already, where dockerd lists none.'
  },
  ...notBuilt('Files in and out of containers', [
    'echo content > $DIR/file && docker cp -q $DIR/file cli-files:/tmp/file',
    'docker cp -q cli-files:/tmp/file - | tar -xOf -',
    // What they would have put there is in the committed image, and in what its removal says.
    'docker run --rm cli-committed:v1 cat /tmp/file',
    'docker rmi cli-committed:v1 | cut -d: -f1'
  ])
]

/** Entries to be taken off as these are built: the test says which no longer differ. */
function notBuilt(what: string, commands: readonly string[]): readonly Difference[] {
  return commands.map(command => ({ command, reason: `${what}: not built yet.` }))
}
