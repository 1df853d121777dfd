import { z } from 'zod'
import { groupIn, type Said } from './checkout-files.ts'

/** Extras and groups that bring what tests need. */
const TEST_EXTRAS = ['dev', 'test', 'tests', 'testing']
/** What checks are made of. */
const CHECK_TOOLS = ['pytest', 'ruff', 'black', 'mypy']
/** Of an extra or a group, as a command can name it. */
const PLAIN_NAME = /^[A-Za-z0-9][\w.-]{0,60}$/
const IncludeGroup = z.object({ 'include-group': z.string() })
const MOST_ENTRIES = 200
const MOST_INCLUDED = 50

/** @param given what is installed besides, as text */
export function extrasNeeded(pyproject: Said, given: string): string[] {
  const extras = groupIn(pyproject, 'project', 'optional-dependencies')
  const all = { ...groupIn(pyproject, 'tool', 'poetry', 'extras'), ...extras }
  return needed(all, `${given}\n${JSON.stringify(groupIn(pyproject, 'project')['dependencies'])}`)
}

/** @param extras those that are installed @param given what is installed besides, as text */
export function groupsNeeded(pyproject: Said, extras: readonly string[], given = ''): string[] {
  const project = groupIn(pyproject, 'project')
  const inExtras = extras.map((name) => groupIn(project, 'optional-dependencies')[name])
  const installed = `${given}\n${JSON.stringify([project['dependencies'], inExtras])}`
  return needed(groupIn(pyproject, 'dependency-groups'), installed)
}

/** Which of these bring what checks need: those named after tests, and for a tool that these lack the first that has it. */
export function needed(groups: Said, given: string): string[] {
  const names = TEST_EXTRAS.filter((name) => Object.hasOwn(groups, name))
  const installed = () => [given, ...names.map((name) => groupText(groups, name))].join('\n')
  for (const tool of CHECK_TOOLS) {
    if (isNamed(tool, installed())) continue
    const other = Object.keys(groups).find((name) => PLAIN_NAME.test(name) && isNamed(tool, groupText(groups, name)))
    if (other !== undefined) names.push(other)
  }
  return names
}

/** What a group lists, with the groups it includes. @see https://peps.python.org/pep-0735/ */
export function groupText(groups: Said, name: string): string {
  const names = new Set([name])
  for (const each of names) {
    const entries: unknown = Object.hasOwn(groups, each) ? groups[each] : undefined
    if (!Array.isArray(entries)) continue
    for (const entry of entries.slice(0, MOST_ENTRIES)) {
      const included = IncludeGroup.safeParse(entry)
      if (included.success && names.size < MOST_INCLUDED) names.add(included.data['include-group'])
    }
  }
  return [...names].map((each) => JSON.stringify(groups[each])).join('\n')
}

/** Those that uv installs without being told. @see https://docs.astral.sh/uv/concepts/projects/dependencies/#default-groups */
export function defaultGroups(pyproject: Said): string[] {
  const groups: unknown = groupIn(pyproject, 'tool', 'uv')['default-groups']
  if (groups === 'all') return Object.keys(groupIn(pyproject, 'dependency-groups'))
  return Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : ['dev']
}

/** Whether a list of requirements has a package. */
export function isNamed(name: string, requirements: string): boolean {
  return new RegExp(`(?<![\\w.-])${name}(?![\\w-])`, 'i').test(requirements)
}
