/** What a diff says of one file. */
export type DiffFile = {
  path: string
  change: 'added' | 'modified' | 'deleted'
  /** Lines; null for a binary file. Of a file that was cut, those that are there. */
  added: number | null
  deleted: number | null
  /** Its part of the diff, from `diff --git` on. */
  diff: string
  /** The same for reading, where that is a binary patch of text in an encoding other than UTF-8; null: it reads as it is. */
  text: string | null
}

/** A note of Moose in a diff that was too long; no line of git's begins so. */
const CUT = /^\[… .*…\]$/
/** Only after a line feed: with the flag `m`, text of a line behind another separator would pass for a file. */
const FILE_BEGINS = /(?<![^\n])(?=diff --git )/

const BINARY = 'GIT binary patch'
/** What follows is for people alone: `git apply` passes over it. */
const FOR_READING = '# The same as text, for reading:'

/** What is put below the binary patch of a file that has text. @param diff its part of the diff, as git shows text */
export function forReading(diff: string): string {
  const lines = diff.replace(/\n$/, '').split('\n')
  const start = lines.findIndex((line) => line.startsWith('--- '))
  if (start === -1) return ''
  return [FOR_READING, ...lines.slice(start).map((line) => `# ${line}`), ''].join('\n')
}

/** The text that stands below a binary patch, as a part of a diff; null: none does. */
function readIn(lines: readonly string[]): string[] | null {
  const patch = lines.indexOf(BINARY)
  const start = lines.indexOf(FOR_READING)
  if (patch === -1 || start === -1) return null
  return [...lines.slice(0, patch), ...lines.slice(start + 1).map((line) => line.slice('# '.length))]
}

/** A diff as a person reads it: text in place of binary patches, where the diff has it. It may not apply. */
export function readableDiff(diff: string): string {
  return diff
    .split(FILE_BEGINS)
    .map((part) => {
      const read = readIn(part.split('\n'))
      return read === null ? part : read.join('\n')
    })
    .join('')
}

/**
 * Takes a diff of git apart, as Moose keeps it: without renames. In the order of the diff; in time that grows with its length.
 *
 * @returns `cut`: the note in place of what is missing; null: it is whole
 * @see https://git-scm.com/docs/diff-format#generate_patch_text_with_p
 */
export function filesOfDiff(diff: string): { files: DiffFile[]; cut: string | null } {
  const files: DiffFile[] = []
  let cut: string | null = null
  for (const part of diff.split(FILE_BEGINS)) {
    const lines = part.split('\n')
    const note = lines.findLast((line) => CUT.test(line))
    if (note !== undefined) cut = note
    if (!part.startsWith('diff --git ')) continue
    const read = readIn(lines)
    files.push({ ...fileOf(read === null ? lines : read), diff: part, text: read === null ? null : read.join('\n') })
  }
  return { files, cut }
}

function fileOf(lines: readonly string[]): Omit<DiffFile, 'diff' | 'text'> {
  const [first = ''] = lines
  const start = lines.findIndex((line) => line.startsWith('@@ '))
  const head = start === -1 ? lines : lines.slice(0, start)
  const isBinary = head.some((line) => line === BINARY || line.startsWith('Binary files '))
  const change = head.some((line) => line.startsWith('new file mode '))
    ? 'added'
    : head.some((line) => line.startsWith('deleted file mode '))
      ? 'deleted'
      : 'modified'
  const body = start === -1 ? [] : lines.slice(start)
  const count = (sign: string) => (isBinary ? null : body.filter((line) => line.startsWith(sign)).length)
  return { path: pathIn(first.slice('diff --git '.length)), change, added: count('+'), deleted: count('-') }
}

/** Both names are the same, as nothing is renamed: `a/PATH b/PATH`, each in quotes where it holds what must be escaped. */
function pathIn(names: string): string {
  const half = names.slice(0, (names.length - 1) / 2)
  return half.startsWith('"') ? unquoted(half.slice(1, -1)).slice(2) : half.slice(2)
}

const ESCAPED: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 }

/** @see https://git-scm.com/docs/git-config#Documentation/git-config.txt-corequotePath */
function unquoted(text: string): string {
  const bytes = text.split(/(\\(?:[0-7]{3}|.))/s).map((piece, index) => {
    if (index % 2 === 0) return Buffer.from(piece)
    const [, letter = ''] = piece
    const code = ESCAPED[letter]
    return Buffer.from([code === undefined ? Number.parseInt(piece.slice(1), 8) : code])
  })
  return Buffer.concat(bytes).toString()
}
