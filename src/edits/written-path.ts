/** More than a heading ever wears. */
const MOST_LAYERS = 8
const WRAPS: readonly (readonly [start: string, end: string])[] = [
  ['**', '**'],
  ['`', '`'],
  ['"', '"'],
  ["'", "'"],
  ['“', '”'],
  ['‘', '’'],
  ['«', '»'],
  ['<', '>'],
  ['*', '*'],
  ['__', '__'],
  ['_', '_'],
]
const TAIL = /(?:[:,;]|(?<!\*)\*{2}|`| #{1,6})$/
/** What it may end in. */
const ENDS_OF_TAIL = ':,;*`#'
/** A text in which nothing is decoration. */
const BARE = /^[A-Za-z\d][\w./-]*$/
const LABEL = /^(?:the )?(?:file ?(?:name|path)|file|path)(?: |: ?)(?=\S)/i
const EXTENSION = /\.\w{1,12}$/
const INVISIBLE_SIGN = /[\u200b-\u200f\u2060\ufeff\s]/
const INVISIBLE = /^[\u200b-\u200f\u2060\ufeff\s]+|(?<![\u200b-\u200f\u2060\ufeff\s])[\u200b-\u200f\u2060\ufeff\s]+$/g

/**
 * The names that a text may stand for in a heading, the likeliest first: as it stands, without its decoration, and
 * without what diffs and shells put before a path. None are invented: each is a part of the text.
 *
 * @param plain the text without its decoration, where that is known
 */
export function plainNames(text: string, plain = withoutDecoration(text)): string[] {
  const written = text.trim()
  if (BARE.test(written) && !/^[ab]\//.test(written)) return [written]
  const names = new Set([written, plain])
  const slashed = plain.includes('\\') && !plain.includes('/') ? plain.replaceAll('\\', '/') : plain
  names.add(slashed)
  const [, rooted] = /^(?:\.\/|\/)([^/].*)$/s.exec(slashed) ?? []
  if (rooted !== undefined) names.add(rooted)
  const [, below] = /^[ab]\/(.+)$/.exec(slashed) ?? []
  if (below !== undefined) names.add(below)
  return [...names].filter((name) => name !== '')
}

/** A path without what models put around it: emphasis, quotes, a link, a colon, a remark in brackets. */
export function withoutDecoration(text: string): string {
  if (BARE.test(text)) return text
  let plain = withoutInvisible(text)
  for (let layer = 0; layer < MOST_LAYERS; layer += 1) {
    const bare = withoutInvisible(withoutLayer(plain))
    if (bare === plain) break
    plain = bare
  }
  return plain
}

/** What stands behind a path where that is written with more; empty: nothing does. */
export function remarkBehind(text: string, path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const at = text.lastIndexOf(name)
  return at === -1 ? '' : text.slice(at + name.length)
}

/** Whether a name looks as if something were left on it that is no part of it. */
export function isDecorated(name: string): boolean {
  return withoutDecoration(name) !== name || /\*\*|`|\]\(|\.[A-Za-z]\w{0,11}[\s,]/.test(name)
}

function withoutInvisible(text: string): string {
  const ends = text.charAt(0) + text.charAt(text.length - 1)
  return INVISIBLE_SIGN.test(ends) ? text.replace(INVISIBLE, '') : text
}

function withoutLayer(text: string): string {
  const [, link] = /^\[[^\]]*\]\(([^()\s]*)\)$/.exec(text) ?? []
  if (link !== undefined && link !== '') return link
  const wrap = WRAPS.find(
    ([start, end]) => text.length > start.length + end.length && text.startsWith(start) && text.endsWith(end),
  )
  if (wrap !== undefined) return text.slice(wrap[0].length, -wrap[1].length)
  // Before the end: a backtick there may be of a pair that the label stands outside of.
  const label = LABEL.exec(text)
  if (label !== null) return text.slice(label[0].length)
  const tail = ENDS_OF_TAIL.includes(text.slice(-1)) ? TAIL.exec(text) : null
  if (tail !== null && tail.index > 0) return text.slice(0, tail.index)
  return withoutRemark(text)
}

/** What follows a file's name in brackets or behind a dash is a remark, unless the whole ends like a file's name. */
function withoutRemark(text: string): string {
  const quoted = /^(?:`([^`]+)`|\*\*([^*]+)\*\*)\s+\S/.exec(text)
  if (quoted !== null) return quoted[1] ?? String(quoted[2])
  if (EXTENSION.test(text)) return text
  if (text.endsWith(')')) {
    const open = text.lastIndexOf(' (')
    return open > 0 ? text.slice(0, open) : text
  }
  const dash = /\s(?:-{1,2}|–|—|#|\/\/|<-|←|<!--)\s/.exec(text)
  if (dash === null) return text
  const head = text.slice(0, dash.index)
  return EXTENSION.test(head) ? head : text
}
