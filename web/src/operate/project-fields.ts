/** What can be filled in of a project, and how it is judged before the service is asked. */
export type ProjectField = {
  name:
    | 'name'
    | 'repository'
    | 'default_branch'
    | 'forge_host'
    | 'branch_pattern'
    | 'author'
    | 'committer'
    | 'signing_key'
    | 'sandbox_image'
  label: string
  hint: string
  /** What stands there while nothing is set; null: it has to be set. */
  usual: string | null
  problem: (text: string) => string | null
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const REPOSITORY = /^(\/|https?:\/\/\S|ssh:\/\/\S|file:\/\/\/\S|[\w.-]+@[\w.-]+:\S)/
const IDENTITY = /^[^<>\s][^<>]* <[^<>\s@]+@[^<>\s@]+>$/

const fits = (form: RegExp, wanted: string) => (text: string) => (form.test(text) ? null : wanted)

export const nameProblem = fits(NAME, 'Letters, digits, dots, dashes or underscores, at most 64')
export const repositoryProblem = fits(
  REPOSITORY,
  'A git URL (https or ssh) or an absolute path on the machine of the service',
)

function branchPatternProblem(text: string): string | null {
  if (!text.includes('{id}')) return 'It has to contain {id}'
  const rest = text.replaceAll(/\{(?:id|slug|attempt)\}/g, '')
  return /[{}\s~^:?*[\]\\]|\.\.|\/\/|^[-/.]/.test(rest) ? 'It gives names that git does not take for a branch' : null
}

export const FIELDS: readonly ProjectField[] = [
  { name: 'name', label: 'Name', hint: 'How orders call it', usual: null, problem: nameProblem },
  {
    name: 'repository',
    label: 'Repository',
    hint: 'Tried before it is stored; changes only while no order is under way or in review',
    usual: null,
    problem: repositoryProblem,
  },
  {
    name: 'default_branch',
    label: 'Base branch',
    hint: 'The base of every change',
    usual: null,
    problem: fits(/\S/, 'It is empty'),
  },
  {
    name: 'forge_host',
    label: 'Host of the forge',
    hint: 'Where the API of the forge is, if the URL does not say it',
    usual: 'the host of the repository',
    problem: fits(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/, 'A host name in lower case, such as github.com'),
  },
  {
    name: 'branch_pattern',
    label: 'Names of branches',
    hint: 'With {id}; may have {slug} and {attempt}',
    usual: 'feature/wo-{id}-{slug}',
    problem: branchPatternProblem,
  },
  {
    name: 'author',
    label: 'Author of commits',
    hint: 'As Name <mail>',
    usual: 'Moose',
    problem: fits(IDENTITY, 'A name and a mail address: Ada Lovelace <ada@example.org>'),
  },
  {
    name: 'committer',
    label: 'Committer',
    hint: 'As Name <mail>',
    usual: 'Moose',
    problem: fits(IDENTITY, 'A name and a mail address: Ada Lovelace <ada@example.org>'),
  },
  {
    name: 'signing_key',
    label: 'Key that signs commits',
    hint: 'Path of an SSH key on the machine of the service; it is tried',
    usual: 'commits are not signed',
    problem: fits(/^\//, 'An absolute path'),
  },
  {
    name: 'sandbox_image',
    label: 'Image of the sandbox',
    hint: 'What checks run in where MOOSE_SANDBOX is podman or docker',
    usual: 'none',
    problem: fits(/^[A-Za-z0-9]([A-Za-z0-9._/:@-]*[A-Za-z0-9])?$/, 'Name or id of an image, such as localhost/shop:1'),
  },
]

/** One a line, without what is empty. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** Of patterns as `.gitignore` has them, without `!` and `[…]`. */
export function patternsProblem(text: string): string | null {
  const bad = linesOf(text).find((line) => /[![\]]/.test(line))
  return bad === undefined ? null : `${bad}: patterns are those of .gitignore, without ! and [ ]`
}
