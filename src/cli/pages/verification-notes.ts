import type { WorkOrderView } from '../../contract/work-orders.ts'
import { shortId } from './humanize.ts'
import { harmless, LONGEST_TITLE, oneLine } from './terminal-text.ts'

type Told = Pick<WorkOrderView, 'verification' | 'acceptance_criteria' | 'project'>

/** Criteria or names told of one order. */
const MOST = 5

/** What the checks of its project will not say of an order, each as one line; empty when they prove every criterion. */
export function verificationNotes({ verification, acceptance_criteria: criteria, project }: Told): string[] {
  if (verification === undefined) return []
  const check = `moose check${project === null ? '' : ` ${oneLine(project, LONGEST_TITLE)}`}`
  if (verification === null) return [`Which checks will verify it is not known yet: ${check}`]
  if (verification.checks === 0) return ['Nothing will be verified: the base commit has no checks (moose.yaml).']
  const unproved = verification.unproved.map(
    (number) => `${number} (${oneLine(String(criteria[number - 1]), LONGEST_TITLE)})`,
  )
  // An order without criteria has none that a check could name.
  const unnamed = criteria.length === 0 ? [] : verification.unmatched
  const unmatched = unnamed.map(
    ({ check: name, proves }) => `${oneLine(name, LONGEST_TITLE)}: ${oneLine(String(proves), LONGEST_TITLE)}`,
  )
  return [
    ...(unproved.length === 0 ? [] : [`No check proves criterion ${some(unproved)}.`]),
    ...(unmatched.length === 0
      ? []
      : [`moose.yaml has a check prove what the order does not ask for: ${some(unmatched)}.`]),
  ]
}

/** Which files to read no model will be shown, as one line; empty: all that is known of are there. */
export function contextNotes({ missing_context: missing = [] }: Pick<WorkOrderView, 'missing_context'>): string[] {
  if (missing.length === 0) return []
  return [
    `Not in the base commit, so no model is shown it: ${some(missing.map((path) => oneLine(path, LONGEST_TITLE)))}`,
  ]
}

/**
 * What of its scope a human has to allow beside the order, as one line; empty: nothing that has not been allowed.
 *
 * @param wish what is allowed with it now: of a commit that is held that is said of this commit alone
 */
export function protectionNotes(
  { id, protected_scope: scope, files_in_scope: files }: Scoped,
  { allow, allow_all_protected: isAll }: Allowing = { allow: [], allow_all_protected: false },
): string[] {
  const isAllowed = (path: string) => isAll || allow.some((name) => covers(name, path))
  const held = scope === undefined ? [] : scope.filter(({ path, allowed }) => !allowed && !isAllowed(path))
  if (held.length === 0) return []
  const named = some(held.map(({ path, why }) => `${oneLine(path, LONGEST_TITLE)} (${why})`))
  const whole =
    held.length === files.length
      ? 'It can only change what is protected, so it'
      : 'It may change what is protected, and then it'
  const options = held
    .slice(0, MOST)
    .map(({ path }) => `--allow ${asArgument(path)}`)
    .join(' ')
  return [
    `${whole} waits for a human before it is published: ${named}. Allow it now with: moose approve ${shortId(id)} ${options}`,
  ]
}

const HIDDEN: ReadonlyMap<string, string> = new Map([
  ['direction', 'characters that turn the direction of text'],
  ['invisible', 'invisible characters'],
  ['comment', 'HTML comments'],
  ['look_alike', 'words of letters that only look alike'],
])

/** What its texts hold that a reader does not see, as one line; empty: nothing. */
export function hiddenNotes({ hidden_text: hidden }: Pick<WorkOrderView, 'hidden_text'>): string[] {
  if (hidden.length === 0) return []
  const named = hidden.map(({ field, kind, count }) => {
    const words = HIDDEN.get(kind)
    return `${words === undefined ? oneLine(kind, LONGEST_TITLE) : words} in ${oneLine(field, LONGEST_TITLE)} (${count})`
  })
  return [`Its text holds what a reader does not see: ${named.join(', ')}. Look at it before you approve it.`]
}

/** Whether that is named: as a file, or below a folder. */
function covers(name: string, path: string): boolean {
  return name === path || (name.endsWith('/') && path.startsWith(name))
}

type Allowing = { allow: readonly string[]; allow_all_protected: boolean }

type Scoped = Pick<WorkOrderView, 'id' | 'protected_scope' | 'files_in_scope'>

/** As it has to be typed in a shell. */
function asArgument(path: string): string {
  return /^[\w./@+-]+$/.test(path) ? path : `'${harmless(path).replaceAll("'", "'\\''")}'`
}

function some(all: readonly string[]): string {
  const more = all.length > MOST ? `, and ${all.length - MOST} more` : ''
  return `${all.slice(0, MOST).join(', ')}${more}`
}
