/**
 * What stands between an engine and an OCI runtime whose container outlives the engine: a shell. It starts the runtime in the foreground,
 * writes down how it ended, and holds the container's pipes open meanwhile, so that they do not break when the engine is gone. `$1` is the
 * container's folder, what follows is the runtime's command line.
 *
 * ```
 * fd 0-2  the container's standard streams
 * fd 3    the number of the container's process, for the engine
 * fd 4    the runtime's program
 * fd 5,6  the read ends of 1 and 2
 * fd 8    release: a line "ok" when the engine has read everything; its end without one when the engine is gone
 * fd 9    note: closed when the file <folder>/exit is there
 * ```
 *
 * Files in the folder, format version 1: `exit` (the exit code as a line; its time is the time of the end), `rest.stdout` and `rest.stderr`
 * (what was in the pipes when the container ended and no engine was there).
 */
export const guardProgram = `trap : HUP INT TERM
folder=$1
shift
(exec 5<&- 6<&- 7<&- 8<&- 9>&-; exec "$@")
code=$?
exec 0</dev/null 1>/dev/null 2>/dev/null 3>&-
echo $code > "$folder/exit"
exec 9>&-
word=
read -r word <&8
[ "$word" = ok ] && exit
[ -d "$folder" ] || exit
cat <&5 >> "$folder/rest.stdout"
cat <&6 >> "$folder/rest.stderr"`

/**
 * Holds what a pipe's or terminal's other side must not lose with the engine, until the guard's note: fd 3, the write end of the container's
 * stdin or the master side of its terminal. What a terminal still has when nobody released it (fd 4) goes to `$1`.
 */
export const holderProgram = `trap : HUP INT TERM
read -r _
[ -z "$1" ] && exit
word=
read -r word <&4
[ "$word" = ok ] && exit
cat <&3 >> "$1" 2>/dev/null`

/** Descriptors of the guard that an engine comes back to. */
export const guardFds = { stdout: 5, stderr: 6, release: 8, note: 9 } as const

/** The one of a holder. */
export const heldFd = 3
