import { foldedWords } from '../work-order/hidden-text.ts'

/** Work on what protects others; the first Moose's list. */
const SECURITY = [
  'sql injection',
  'xss',
  'csrf',
  'authentication',
  'authorization',
  'encryption',
  'password hashing',
  'api key',
  'secrets management',
  'access control',
  'input validation',
  'sanitization',
] as const

/** Work on what others build upon; the first Moose's list. */
const ARCHITECTURE = [
  'api contract',
  'schema change',
  'breaking change',
  'database migration',
  'event schema',
  'integration contract',
  'system design',
  'architectural decision',
] as const

const PATTERNS = [...SECURITY, ...ARCHITECTURE].map((term) => ({ term, pattern: wholeWords(term) }))

/**
 * The risky words in a text, in the order of the lists; none of them: an empty list. Whole words in any case, singular
 * or plural, joined by spaces, line breaks, dashes or underscores; with letters that only look like theirs too.
 */
export function findHardStops(text: string): string[] {
  const words = foldedWords(text)
  return PATTERNS.filter(({ pattern }) => pattern.test(words)).map(({ term }) => term)
}

function wholeWords(term: string): RegExp {
  const words = term.split(' ').join('[\\s_-]+')
  return new RegExp(`(?<![\\p{L}\\p{N}])${words}s?(?![\\p{L}\\p{N}])`, 'iu')
}
