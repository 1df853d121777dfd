import { isOfPullRequest, type Repair } from '../../contract/evidence/repair.ts'
import { saidOfChange } from '../../edits/said-of-change.ts'
import { kindOfFile } from '../../work-order/kind-of-change.ts'
import { asWords, fenced } from '../../work-order/markdown.ts'
import { isInScope } from '../../work-order/scope.ts'
import { firstCharacters, firstWords, lastCharacters, wordsIn } from '../../work-order/words.ts'
import type { Evidence } from '../evidence.ts'
import { checksTold, unprovedOf, verdictOf } from './verdict.ts'

/** Before the first fold, so that it is read at a glance. */
const MOST_WORDS = 80
const MOST = { unproved: 18, repaired: 11, onBase: 11, byHand: 9, tests: 11 }
/** Where there is much to be told. */
const FEWEST: typeof MOST = { unproved: 12, repaired: 4, onBase: 4, byHand: 9, tests: 4 }
/** What `and 12 more` takes. */
const WORDS_OF_MORE = 3
const MOST_OF_NAME = 30

/** What a reader sees without opening anything. */
export type FirstFold = {
  /** What was changed. */
  summary: string
  /** The verdict, and what a reader has to look at. */
  verdict: string
}

/**
 * @param given.closes issues that the order closes
 * @param given.above what stands above it and counts with it
 */
export function firstFold(
  evidence: Evidence,
  { closes, above }: { closes: readonly number[]; above: string },
): FirstFold {
  const { verified } = evidence
  const commit = fenced(null, verified.headSha.slice(0, 12))
  const said = checksTold(verified)
  const told = verified.checks.length === 0 ? `Nothing was verified: ${said}.` : `${said} on ${commit}.`
  const verdictWithin = (most: typeof MOST) =>
    [`**${verdictOf(evidence)}.** ${told}`, notes(evidence, most), closingLine(closes)]
      .filter((text) => text !== '')
      .join('\n\n')
  const whole = verdictWithin(MOST)
  const room = MOST_WORDS - wordsIn(above)
  const verdict = wordsIn(whole) <= room ? whole : verdictWithin(FEWEST)
  return { summary: summaryOf(evidence, room - wordsIn(verdict)), verdict }
}

/** What a reader has to know before a merge, a line each. */
function notes(evidence: Evidence, most: typeof MOST): string {
  const { repairs, verified } = evidence
  return [
    note('Changed by hand', byHand(evidence), most.byHand),
    note('To be looked at', unproved(evidence), most.unproved, 'criteria'),
    note('Repaired', repaired(repairs), most.repaired),
    note('Tests changed', testsChanged(verified), most.tests, 'files'),
    note('Failed on the base already', failedOnBase(evidence), most.onBase),
  ]
    .filter((text) => text !== '')
    .join('\n')
}

/** GitHub acts on it: one word for each issue. */
export function closingLine(closes: readonly number[]): string {
  return closes.map((issue, index) => `${index === 0 ? 'Closes' : 'closes'} #${issue}`).join(', ')
}

/** The model's own words, else the order's title. */
function summaryOf({ routed, proposed }: Evidence, most: number): string {
  const said = saidOfChange(proposed.response.content)
  return shortened(said === null ? routed.order.title : said, most)
}

/** As words, of which there are no more than that also where marks were added. */
function shortened(text: string, most: number): string {
  for (let words = most; words > 0; words -= 1) {
    const cut = asWords(firstWords(text, words))
    if (wordsIn(cut) <= most) return cut
  }
  return ''
}

function note(title: string, items: readonly string[], most: number, noun = 'checks'): string {
  if (items.length === 0) return ''
  const shown: string[] = []
  for (const item of items) {
    const isLast = shown.length === items.length - 1
    const room = most - wordsIn(shown.join('; ')) - (isLast ? 0 : WORDS_OF_MORE)
    if (wordsIn(item) > room) break
    shown.push(item)
  }
  const more = items.length - shown.length
  const rest = more === 0 ? '' : shown.length === 0 ? `${more} ${noun}` : ` and ${more} more`
  return `- **${title}:** ${shown.join('; ')}${rest}`
}

const MOST_OF_PATH = 60

/** Only people change what is outside of the scope; it is named where there is room, and below all of it is. */
function byHand({ applied, routed, verified }: Evidence): string[] {
  const outside = verified.files.filter(({ path }) => !isInScope(path, routed.order.files_in_scope))
  if (outside.length === 0) return applied.byHand === true ? ['the checks ran on what the branch holds'] : []
  const names = outside.map(({ path }) => fenced(null, firstCharacters(path, MOST_OF_PATH)))
  const isNamed = names.length === 1 && wordsIn(names.join(' ')) === 1
  const what = isNamed ? names.join('') : `${names.length} ${names.length === 1 ? 'file' : 'files'}`
  return [`${what} outside of the scope of the order`]
}

/** Of one criterion alone, and of each of several: so many words tell which one it is. */
const WORDS_OF_ONE = 16
const WORDS_OF_EACH = 8

function unproved(evidence: Evidence): string[] {
  const { acceptance_criteria: criteria } = evidence.routed.order
  const open = unprovedOf(evidence)
  const most = open.length === 1 ? WORDS_OF_ONE : WORDS_OF_EACH
  return open.map((index) => `${index + 1}. ${shortened(String(criteria[index]), most)}`)
}

const BY: Readonly<Record<Repair['by'], string>> = { fix: 'its fix command', proposer: 'the model', aider: 'Aider' }

/** Each check run here once, with what made the last commit for it; a try without a commit mended nothing. */
function repaired(repairs: readonly Repair[]): string[] {
  const byCheck = Map.groupBy(
    repairs.filter((repair) => repair.head_sha !== null && !isOfPullRequest(repair)),
    ({ check }) => check,
  )
  return [...byCheck].flatMap(([check, tries]) => {
    const last = tries.at(-1)
    if (last === undefined) return []
    return [`${nameOf(check)} by ${BY[last.by]}${tries.length === 1 ? '' : ` (${tries.length} tries)`}`]
  })
}

/** A check that passes proves less where the change has made it pass. */
function testsChanged({ files, checks }: Evidence['verified']): string[] {
  if (checks.length === 0) return []
  return files
    .filter(({ path }) => kindOfFile(path) === 'tests')
    .map(({ path, change }) => `${fenced(null, lastCharacters(path, MOST_OF_TEST))}${HOW[change]}`)
}

const HOW = { added: ' (new)', modified: '', deleted: ' (deleted)' }
const MOST_OF_TEST = 36

function failedOnBase({ verified }: Evidence): string[] {
  return verified.checks
    .filter(({ baseline }) => baseline)
    .map(({ name, failures }) => {
      const count = failures === null ? 0 : failures.length
      return `${nameOf(name)}${count === 0 ? '' : ` (${count} ${count === 1 ? 'failure' : 'failures'}, none new)`}`
    })
}

function nameOf(check: string): string {
  return fenced(null, firstCharacters(check, MOST_OF_NAME))
}
