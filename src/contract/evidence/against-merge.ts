import type { FollowUpView } from './follow-up.ts'

/** What a person weighs before a pull request is merged, whatever else it waits for. */
export function againstMerge({
  seen_open_threads: threads = 0,
  outside_scope: outside = [],
  follow_up: followUp = null,
}: {
  seen_open_threads?: number | undefined
  outside_scope?: readonly string[] | undefined
  follow_up?: Pick<FollowUpView, 'unapproved'> | null | undefined
}): string[] {
  const unapproved = unapprovedText(followUp)
  return [
    ...(threads === 0 ? [] : [threadsText(threads)]),
    ...(unapproved === null ? [] : [unapproved]),
    ...(outside.length === 0 ? [] : [outsideText(outside)]),
  ]
}

/** Of a pull request with what was asked for outside of a thread and done, but not approved since; null: there is no such thing. */
export function unapprovedText(followUp: Pick<FollowUpView, 'unapproved'> | null): string | null {
  const by = followUp?.unapproved
  if (by === undefined || by.length === 0) return null
  const done =
    'a commit was made for what was asked for outside of a thread, and the person who asked has not approved it'
  return `${done}: ${named(by)}; that person approves it, or the comment is hidden or deleted`
}

type Based = { base: string; seen_base?: string | null | undefined; project_base?: string | undefined }

/** Of a pull request that is to be merged into another branch than its project says, or its commit was verified with; null: it is not. */
export function retargetedText(pull: Based, forge: string): string | null {
  const { base, seen_base: seen, project_base: ofProject } = pull
  if (seen === undefined || seen === null || seen === base)
    return ofProject === undefined || ofProject === base ? null : otherBaseText(base, ofProject)
  const also = isOfProject(pull) ? `, which is the base of its project now; ${UNVERIFIED}` : ''
  return `its base was changed on ${forge} from ${base} to ${seen}${also}`
}

const UNVERIFIED = 'it was not verified with that yet'

/** Of a pull request whose project has another base since. */
export function otherBaseText(base: string, ofProject: string): string {
  return `its base is ${base}, and that of its project is ${ofProject} now; ${UNVERIFIED}`
}

/** Whether its base on its forge is that of its project. */
export function isOfProject({ seen_base: seen, project_base: base }: Omit<Based, 'base'>): boolean {
  return base !== undefined && seen === base
}

/** Of a pull request that is marked as not ready. */
export const draftText = (forge: string) => `it is a draft on ${forge}`

const MOST_NAMED = 5

/** The first of them, and how many more there are. */
export function named(names: readonly string[]): string {
  const more = names.length > MOST_NAMED ? `, and ${names.length - MOST_NAMED} more` : ''
  return `${names.slice(0, MOST_NAMED).join(', ')}${more}`
}

/** Of a pull request that changes these files beside those of its scope. */
export function outsideText(files: readonly string[]): string {
  return `it changes what is outside of the scope of the order: ${named(files)}`
}

/** Of an open pull request whose reviews have so many threads that are not resolved. */
export function threadsText(count: number): string {
  const what = count === 1 ? 'a thread' : `${count} threads`
  const are = count === 1 ? 'is' : 'are'
  const them = count === 1 ? 'it' : 'them'
  return `${what} of its reviews, by people with write access, ${are} not resolved; a person resolves ${them} on its forge`
}
