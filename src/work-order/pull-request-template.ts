import { withoutHidden } from './hidden-text.ts'
import { clipped, neutralised } from './markdown.ts'
import { wordsIn } from './words.ts'

/** Where GitHub looks, in its order; in any case. */
const FOLDERS = ['.github/', '', 'docs/']
const NAME = 'pull_request_template'
const FILE = /^[^/]+\.(?:md|markdown|txt)$/
/** Of a folder of several, the one that is taken without being asked for. */
const DEFAULT = /^(?:default|pull_request_template)\./

/**
 * The file of a repository that is its template for pull requests. Of a folder of several it is the one named `default` or
 * `pull_request_template`.
 *
 * @param paths of all its files
 * @returns null where it has none, or several of which none is the default
 */
export function templatePath(paths: readonly string[]): string | null {
  const candidates = paths
    .map((path) => ({ path, lower: path.toLowerCase() }))
    .filter(({ lower }) => lower.includes(NAME))
    .toSorted((one, other) => (one.path < other.path ? -1 : 1))
  for (const folder of FOLDERS) {
    const named = [`${folder}${NAME}`, `${folder}${NAME}.md`, `${folder}${NAME}.markdown`, `${folder}${NAME}.txt`]
    const single = candidates.find(({ lower }) => named.includes(lower))
    if (single !== undefined) return single.path
    const prefix = `${folder}${NAME}/`
    const several = candidates.filter(({ lower }) => lower.startsWith(prefix) && FILE.test(lower.slice(prefix.length)))
    const usual = several.find(({ lower }) => DEFAULT.test(lower.slice(prefix.length)))
    const chosen = several.length === 1 ? several[0] : usual
    if (chosen !== undefined) return chosen.path
  }
  return null
}

/** What a template is filled with, as Markdown; null: nothing. */
export type Filling = { summary: string; checks: string; issues: string | null }

/** A filled template, in two parts: the text of a pull request stands between them. */
export type FilledTemplate = {
  /** The heading of its section for a summary, where nothing but headings stands before that; else nothing. */
  above: string
  below: string
}

/** Of a template. */
const MOST_CHARACTERS = 6_000
const MOST_WORDS_ABOVE = 12

/**
 * Fills the first section for a summary, for tests and for issues; what stood there gives way, except its checklists. All other
 * sections stay as they are. No box is ticked, for a tick is the word of an author. Comments and tags of HTML are left out, and
 * nothing in it acts on the forge. Linear.
 */
export function filledTemplate(text: string, filling: Filling): FilledTemplate {
  const sections = sectionsOf(harmless(text))
  const left = new Set<Kind>(['summary', 'checks', 'issues'])
  const filled = sections.map((section) => {
    const kind = kindOf(section.heading)
    const fill = kind === null || !left.delete(kind) ? null : filling[kind]
    return {
      ...section,
      kind: fill === null ? null : kind,
      body: fill === null ? section.body : boxesOf(section.body),
      fill,
    }
  })
  const summary = filled.findIndex(({ kind }) => kind === 'summary')
  const headings = filled.slice(0, summary + 1).map(({ heading }) => heading)
  const isOpening = filled.slice(0, Math.max(0, summary)).every(({ body }) => body === '')
  const mayStandAbove = summary >= 0 && isOpening && wordsIn(headings.join(' ')) <= MOST_WORDS_ABOVE
  const below = filled
    .slice(mayStandAbove ? summary : 0)
    .map((section, index) =>
      mayStandAbove && index === 0 ? section.body : joined([section.heading, section.fill, section.body]),
    )
  return { above: mayStandAbove ? joined(headings) : '', below: joined(below) }
}

function harmless(text: string): string {
  const visible = withoutHidden(text.replaceAll(/\r\n?/g, '\n'))
    .replace(/^\s{0,100}---\n(?:[^\n]{0,500}\n){0,50}?---(?:\n|$)/, '')
    .replaceAll(/<\/?[a-z][^<>]{0,500}>/gi, '')
  const unticked = visible.replaceAll(/^(\s{0,20}[-*+] \[)[xX](?=\])/gm, '$1 ')
  return neutralised(clipped(unticked, MOST_CHARACTERS))
}

type Section = { heading: string; body: string }

/** What stands before the first heading has none. */
function sectionsOf(text: string): Section[] {
  const sections: { heading: string; lines: string[] }[] = [{ heading: '', lines: [] }]
  let fence: string | null = null
  for (const line of text.split('\n')) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    if (mark !== undefined) fence = fence === null ? mark : line.trim() === fence ? null : fence
    if (fence === null && /^#{1,6} +\S|^\*\*[^*]{1,200}\*\*:?\s*$/.test(line))
      sections.push({ heading: line.trim(), lines: [] })
    else sections.at(-1)?.lines.push(line.trimEnd())
  }
  return sections
    .map(({ heading, lines }) => ({
      heading,
      body: lines
        .join('\n')
        .replaceAll(/\n{3,}/g, '\n\n')
        .trim(),
    }))
    .filter(({ heading, body }) => heading !== '' || body !== '')
}

type Kind = keyof Filling

const UNFILLED =
  /check ?list|\b(?:types?|kinds?|breaking|screenshots?|change ?log|releases?|migrations?|review(?:er)?s?|deploy\w*)\b/i
const KINDS: readonly (readonly [Kind, RegExp])[] = [
  ['checks', /\b(?:test(?:s|ed|ing)?|verif(?:y|ied|ication)|qa|validation)\b/i],
  ['issues', /\b(?:issues?|tickets?|closes|fixes|resolves|linked|related)\b/i],
  ['summary', /\b(?:summary|descriptions?|describe|overview|what|purpose|about|changes?|proposed)\b/i],
]

function kindOf(heading: string): Kind | null {
  if (heading === '' || UNFILLED.test(heading)) return null
  const found = KINDS.find(([, pattern]) => pattern.test(heading))
  return found === undefined ? null : found[0]
}

function boxesOf(body: string): string {
  return body
    .split('\n')
    .filter((line) => /^\s*[-*+] \[ \]/.test(line))
    .join('\n')
}

function joined(parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null && part !== '').join('\n\n')
}
