import type { OrderFields } from './order-problems.ts'

/** Entries of a scope that look like patterns. A file may be called so, therefore they are taken all the same. */
export function wildcardWarnings({ files_in_scope: scope }: OrderFields): { index: number; words: string }[] {
  if (scope === undefined) return []
  const advice = 'is taken literally, as one file of that name; name the files, or a folder with a / at its end'
  return scope.flatMap((entry, index) => (/[*?[]/.test(entry) ? [{ index, words: `"${entry}" ${advice}` }] : []))
}
