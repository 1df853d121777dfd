/** A line of what is proposed, and what in the checkout said so. */
export type Line = { value: string; why: string }

export const CHECK_KINDS = ['test', 'lint', 'types', 'format'] as const
export type CheckKind = (typeof CHECK_KINDS)[number]

export type FoundCheck = {
  kind: CheckKind
  run: string
  why: string
  /** A command of the project that mends what the check finds; null: none was found. */
  fix: string | null
}

/** What one language or tool of a checkout needs. */
export type Finding = {
  /** Which, as it is told; also what tells its checks from those of another. */
  tool: string
  language: 'node' | 'python' | 'go' | 'rust' | 'java' | 'make' | 'just'
  /** Null: the versions of what is installed are nowhere fixed. */
  lockFile: string | null
  /** Commands, in their order. */
  setup: readonly Line[]
  cache: readonly Line[]
  env: readonly (Line & { name: string })[]
  checks: readonly FoundCheck[]
  /** What a person should know or decide. */
  notes: readonly string[]
}
