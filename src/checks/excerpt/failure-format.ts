/**
 * What a line of a failure is worth: `key` says what failed, `detail` how and where, `context` stands around it; `none` is
 * left out.
 */
export type Worth = 'key' | 'detail' | 'context' | 'none'

export type Line = {
  text: string
  worth: Worth
  /**
   * The name that the comparison with the base has for what fails here, or the end of that name; of several the first that is
   * known counts. Missing: the line names nothing that fails.
   */
  called?: readonly string[]
}

/** One failure; the first line says what it is about. */
export type Block = readonly Line[]

export type ReportedFailures = {
  blocks: readonly Block[]
  /** Of all that failed, as often as it was reported; null: they are not known to be all. */
  names: readonly string[] | null
  /** Why a report was not read to its end, as the end of a sentence. */
  problem: string | null
}

/**
 * `failure`: a tool reported it in its own format. `trace`: an error with the form that a runtime gives it. `mention`: lines
 * that say so in words. `name`: what failed, without why. `noise`: nothing that fails.
 */
export type FailureKind = 'failure' | 'trace' | 'mention' | 'name' | 'noise'

/** Lines that belong together, from the first on. */
export type Opening = {
  kind: FailureKind
  /** The first says what it is about. */
  lines: readonly Line[]
  /** What the line behind it is worth, the first of which is 1; null: it belongs to something else. */
  next: (text: string, at: number) => Worth | null
  /** The name of what fails in a line of it, as `Line.called`; those that it opens with are 0. */
  called?: (text: string, at: number) => string | null
  /** What it is by all of its lines, where the first does not tell; without it, what was opened. */
  settled?: (lines: readonly Line[]) => FailureKind
}

/**
 * Told of every line, in order; null: none of its failures begins there. Most lines are of no format, so that each begins
 * with what is cheap: the first character, or a word.
 */
export type FailureFormat = (text: string) => Opening | null

export const key = (text: string): Line => ({ text, worth: 'key' })
export const detail = (text: string): Line => ({ text, worth: 'detail' })

/** A block that is this line alone. */
export function single(kind: FailureKind, text: string): Opening {
  return { kind, lines: [key(text)], next: () => null, settled: () => kind }
}

/** Of what is called by one name, whichever of its lines says so. */
export function calledOnce(name: string): NonNullable<Opening['called']> {
  return (_, at) => (at === 0 ? name : null)
}

/** Places of what is not the project's own: packages, toolchains, runners. */
const FOREIGN =
  /[/\\]node_modules[/\\]|\bnode:|[/\\](?:site|dist)-packages[/\\]|[/\\]lib[/\\]python\d|<frozen |[/\\]rustc[/\\]|\.cargo[/\\]registry|[/\\]pkg[/\\]mod[/\\]|[/\\]go[/\\]src[/\\]|_testmain\.go|\(<anonymous>\)|\bat (?:<anonymous>|new Promise|async Promise|native)|\(native\)/
const JAVA_FOREIGN =
  /^\s*at (?:java|javax|jdk|sun|com\.sun|junit|kotlin|scala|groovy|org\.(?:junit|opentest4j|apache\.maven|gradle|hamcrest|assertj|mockito|testng))[./]/

export function isForeign(place: string): boolean {
  return FOREIGN.test(place) || JAVA_FOREIGN.test(place)
}

/** A line of a stack, as Node and Java print them; `❯` is that of Vitest. */
const FRAME = /^\s*(?:at |❯ )\S/

/** What a line of a stack is worth; null: it is none. */
export function worthOfFrame(text: string): Worth | null {
  if (!FRAME.test(text)) return null
  return isForeign(text) ? 'none' : 'detail'
}

/** One side of a difference. */
export const isDifference = (text: string): boolean => /^\s*[-+](?:\s|$)/.test(text)
