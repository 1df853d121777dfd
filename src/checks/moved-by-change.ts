/** Lines `from` up to but without `to` of the file as it was. */
type Hunk = { from: number; to: number /** Where lines that stay are now. */; kept: Map<number, number>; grown: number }

/**
 * Names of failures on the base as they are after a change: an error is where its line has moved to. One whose line the
 * change has taken out or rewritten is left out, because the same error there would be a new one.
 *
 * @param names as `FailingTests.read` gives them; one that names no file and line stays as it is
 * @param diff unified, of the whole change, without rename detection
 */
export function movedByChange(names: readonly string[], diff: string): string[] {
  const hunks = hunksOf(diff)
  return names.flatMap((name) => {
    const [, tool, file = '', line] = /^([a-z]+: )([^:]+):(\d+): /.exec(name) ?? []
    const ofFile = hunks.get(file)
    if (tool === undefined || ofFile === undefined) return [name]
    const now = lineAfter(Number(line), ofFile)
    return now === null ? [] : [`${tool}${file}:${now}${name.slice(`${tool}${file}:${line}`.length)}`]
  })
}

function lineAfter(line: number, hunks: readonly Hunk[]): number | null {
  let shift = 0
  for (const { from, to, kept, grown } of hunks) {
    if (line < from) break
    if (line < to) {
      const now = kept.get(line)
      return now === undefined ? null : now
    }
    shift += grown
  }
  return line + shift
}

/** By the name of the file as it was; in the order of its lines. */
function hunksOf(diff: string): Map<string, Hunk[]> {
  const files = new Map<string, Hunk[]>()
  let ofFile: Hunk[] = []
  let hunk: Hunk | null = null
  let at = { old: 0, new: 0, oldEnd: 0, newEnd: 0 }
  for (const text of diff.split('\n')) {
    if (hunk !== null && (at.old < at.oldEnd || at.new < at.newEnd)) {
      if (text.startsWith('\\')) continue
      if (!text.startsWith('-') && !text.startsWith('+')) hunk.kept.set(at.old, at.new)
      if (!text.startsWith('+')) at.old += 1
      if (!text.startsWith('-')) at.new += 1
      continue
    }
    const [, file] = /^--- "?(?:a\/)?(.*?)"?$/.exec(text) ?? []
    if (file !== undefined) files.set(file, (ofFile = []))
    const [, start, count = '1', newStart, newCount = '1'] =
      /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(text) ?? []
    if (start === undefined) continue
    // A hunk without old lines stands behind the line that it names.
    const from = Number(start) + (count === '0' ? 1 : 0)
    const to = from + Number(count)
    hunk = { from, to, kept: new Map(), grown: Number(newCount) - Number(count) }
    ofFile.push(hunk)
    at = { old: from, oldEnd: to, new: Number(newStart), newEnd: Number(newStart) + Number(newCount) }
  }
  return files
}
