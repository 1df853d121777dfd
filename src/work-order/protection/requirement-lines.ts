/**
 * Lines of a requirements file of pip that say more than which package in which version: where packages come from, what else
 * is read, what is built how. Each as it stands without its comment, in order. An option of one requirement other than its
 * hash is one of them, and so is a requirement that is an address, a path or an archive.
 *
 * @returns null: pip would not read the text as it stands here
 * @see https://pip.pypa.io/en/stable/reference/requirements-file-format/
 */
export function tellingLines(text: string): string[] | null {
  const lines = text.replace(/^\ufeff/, '').split(LINE_END)
  if (text.includes('\0') || lines.slice(0, 2).some((line) => DECLARED.test(line) && !USUAL.test(line))) return null
  return joined(lines).filter((line) => line !== '' && !isPlain(line))
}

/** As `str.splitlines` of Python. */
const LINE_END = /\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/
/** A declared encoding, by which pip decodes the rest. */
const DECLARED = /coding[:=]/
const USUAL = /coding[:=][ \t]{0,9}(?:utf-?8|ascii|us-ascii)(?![-\w])/i
const COMMENT = /(?:^|(?<=\s))#.*/s
const ARCHIVE = /\.(?:whl|zip|tgz|tbz|tlz|txz|tar(?:\.\w{1,4})?)$/i

/** Without comments; a line that ends in a backslash goes on in the next. */
function joined(lines: readonly string[]): string[] {
  const found: string[] = []
  let open = ''
  for (const line of lines) {
    const isComment = /^\s*#/.test(line)
    const goesOn = line.endsWith('\\') && !isComment
    open += goesOn ? `${line.slice(0, -1)} ` : line
    if (goesOn) continue
    found.push(open)
    open = ''
  }
  return [...found, open].map((line) => line.replace(COMMENT, '').trim())
}

/** Whether a line names a package of an index, and no more than versions, markers and hashes beside it. */
function isPlain(line: string): boolean {
  const words = line.split(/\s+/)
  const firstOption = words.findIndex((word) => word.startsWith('-'))
  const [before, options] = firstOption === -1 ? [words, []] : [words.slice(0, firstOption), words.slice(firstOption)]
  if (options.some((word) => !/^--hash=\w+:[0-9a-f]+$/.test(word))) return false
  const [requirement = ''] = before.join(' ').split(';')
  return /^[A-Za-z0-9]/.test(requirement) && !/[@/\\$]/.test(requirement) && !ARCHIVE.test(requirement.trim())
}
