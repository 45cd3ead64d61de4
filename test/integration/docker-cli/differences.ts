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
  }
]
