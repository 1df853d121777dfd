import type { CommitRules } from '../work-order/project.ts'

/**
 * Settings every host-side git runs with. A repository is foreign content: nothing in it, in the operator's own
 * configuration or in the system's may make our git run a program, ask a question or reach another address.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.attributesFile': '/dev/null',
  'core.quotePath': 'false',
  'protocol.ext.allow': 'never',
  'submodule.recurse': 'false',
  'fetch.recurseSubmodules': 'false',
  'commit.gpgSign': 'false',
  // A clone of ours borrows objects from the mirror (alternates): nothing may ever be pruned there by itself.
  'gc.auto': '0',
  'maintenance.auto': 'false',
  // Empty ends the list of helpers. An operator's helper for one https host is to be named after it, scoped to that
  // host (`credential.https://HOST.helper`), so that no other address can be given its token.
  'credential.helper': '',
}

/** The settings as arguments, to stand between `git` and its command. */
export const HARDENED_ARGS: readonly string[] = Object.entries(SETTINGS).flatMap(([key, value]) => [
  '-c',
  `${key}=${value}`,
])

/** Where git and ssh are on the systems we know; a folder of a repository can never be among them. */
export const PROGRAM_FOLDERS = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin:/run/current-system/sw/bin'

/**
 * The whole environment of a host-side git.
 *
 * @param home an empty folder of ours: git finds no configuration and no stored credentials there. (ssh asks the
 *   user database for its home instead, so the operator's keys and known hosts still count.)
 * @see https://git-scm.com/docs/git#_environment_variables
 */
export function gitEnvironment(home: string): Record<string, string> {
  return {
    PATH: PROGRAM_FOLDERS,
    HOME: home,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'true',
    GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
    GIT_SSH_VARIANT: 'ssh',
    // For a key with a passphrase that no agent holds: refused, not asked for.
    SSH_ASKPASS_REQUIRE: 'never',
    GIT_ALLOW_PROTOCOL: 'file:https:http:ssh',
    // `[`, `*` and `:(…)` in a file's name are only characters.
    GIT_LITERAL_PATHSPECS: '1',
    // A commit is what its id says, also where refs/replace says otherwise.
    GIT_NO_REPLACE_OBJECTS: '1',
    // What Moose's own repositories are, whatever a later git prefers.
    GIT_DEFAULT_HASH: 'sha1',
    GIT_DEFAULT_REF_FORMAT: 'files',
  }
}

const MOOSE = 'Moose <moose@localhost>'

/** Whoever makes a commit, as one is written: `Name <mail>`. */
export function whoOf({ author, committer }: CommitRules): { author: string; committer: string } {
  return { author: asGitHasIt(author), committer: asGitHasIt(committer) }
}

/** git leaves some marks out at the ends of a name; fast-import would keep them, and make another commit of it. */
function asGitHasIt(who: string | null): string {
  if (who === null) return MOOSE
  const crud = /^[\s.,:;"\\']+|(?<![\s.,:;"\\'])[\s.,:;"\\']+$/g
  return `${nameOf(who).replace(crud, '')} <${mailOf(who).replace(crud, '')}>`
}

/** A name, a mail address and a date as a commit holds them. */
export function dated(who: string, when: Date): string {
  return `${who} ${secondsOf(when)} +0000`
}

/** Author and committer of what Moose commits; with a fixed date the same content is the same commit. */
export function identityEnvironment(when: Date, rules: CommitRules): Record<string, string> {
  const { author, committer } = whoOf(rules)
  const date = `@${secondsOf(when)} +0000`
  return {
    GIT_AUTHOR_NAME: nameOf(author),
    GIT_AUTHOR_EMAIL: mailOf(author),
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: nameOf(committer),
    GIT_COMMITTER_EMAIL: mailOf(committer),
    GIT_COMMITTER_DATE: date,
  }
}

function secondsOf(when: Date): number {
  return Math.floor(when.getTime() / 1000)
}

function nameOf(who: string): string {
  return who.slice(0, who.lastIndexOf('<')).trim()
}

function mailOf(who: string): string {
  return who.slice(who.lastIndexOf('<') + 1, who.lastIndexOf('>'))
}
