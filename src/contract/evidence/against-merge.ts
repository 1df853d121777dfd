/** What a person weighs before a pull request is merged, whatever else it waits for. */
export function againstMerge({
  seen_open_threads: threads = 0,
  outside_scope: outside = [],
}: {
  seen_open_threads?: number | undefined
  outside_scope?: readonly string[] | undefined
}): string[] {
  return [...(threads === 0 ? [] : [threadsText(threads)]), ...(outside.length === 0 ? [] : [outsideText(outside)])]
}

/** Of a pull request that is marked as not ready. */
export const draftText = (forge: string) => `it is a draft on ${forge}`

const MOST_OUTSIDE = 5

/** Of a pull request that changes these files beside those of its scope. */
export function outsideText(files: readonly string[]): string {
  const more = files.length > MOST_OUTSIDE ? `, and ${files.length - MOST_OUTSIDE} more` : ''
  return `it changes what is outside of the scope of the order: ${files.slice(0, MOST_OUTSIDE).join(', ')}${more}`
}

/** Of an open pull request whose reviews have so many threads that are not resolved. */
export function threadsText(count: number): string {
  const what = count === 1 ? 'a thread' : `${count} threads`
  const are = count === 1 ? 'is' : 'are'
  const them = count === 1 ? 'it' : 'them'
  return `${what} of its reviews, by people with write access, ${are} not resolved; a person resolves ${them} on its forge`
}
