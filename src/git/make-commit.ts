import type { CommitRules } from '../work-order/project.ts'
import type { GitCall } from './git.ts'
import { identityEnvironment, whoOf } from './git-environment.ts'
import { fullSha } from './ref-names.ts'

export type CommitToMake = {
  tree: string
  parents: readonly string[]
  message: string
  /** Author and committer date. */
  when: Date
  rules: CommitRules
}

/** git on a repository of Moose's own; gives what it prints, trimmed. */
type Ask = (args: readonly string[], call: Pick<GitCall, 'env' | 'input'>) => Promise<string>

/**
 * Makes a commit object by the rules of its project. The same input gives the same commit: a key is only taken when it
 * signs the same twice (signing-key.ts).
 *
 * @see https://git-scm.com/docs/git-config#Documentation/git-config.txt-gpgformat
 */
export async function makeCommit(ask: Ask, { tree, parents, message, when, rules }: CommitToMake): Promise<string> {
  const how = rules.signingKey === null ? { settings: [], flags: [] } : signing(rules.signingKey)
  const of = parents.flatMap((parent) => ['-p', fullSha(parent)])
  const args = [...how.settings, 'commit-tree', ...how.flags, ...of, '-F', '-', fullSha(tree)]
  const env = identityEnvironment(when, rules)
  return fullSha(await ask(args, { env, input: signedOff(message, rules) }))
}

function signing(key: string): { settings: string[]; flags: string[] } {
  return { settings: ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${key}`], flags: ['-S'] }
}

/** The message with its trailer where the project wants one; one that ends in trailers gets it beside them. */
export function signedOff(message: string, rules: CommitRules): string {
  if (!rules.signOff) return message
  const lines = message.trimEnd().split('\n')
  const endsInTrailer = lines.length > 1 && /^[A-Za-z][A-Za-z-]*: \S/.test(String(lines.at(-1)))
  return `${lines.join('\n')}${endsInTrailer ? '\n' : '\n\n'}Signed-off-by: ${whoOf(rules).committer}\n`
}
