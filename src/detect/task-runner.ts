import { type CheckoutFiles, firstOf, textOf } from './checkout-files.ts'
import { CHECK_KINDS, type CheckKind, type Finding, type FoundCheck, type Line } from './finding.ts'

const MAKEFILES = ['GNUmakefile', 'makefile', 'Makefile']
const JUSTFILES = ['justfile', 'Justfile', '.justfile']
export const TASK_MANIFESTS = [...MAKEFILES, ...JUSTFILES]

/** The names that are known, by what they do; the first that is there counts. */
const TARGETS: Readonly<Record<CheckKind, readonly string[]>> = {
  test: ['test', 'tests', 'unit-test', 'unit', 'check'],
  lint: ['lint'],
  types: ['typecheck', 'type-check', 'types'],
  format: ['format-check', 'check-format', 'fmt-check', 'check-fmt'],
}
const FIXES: Readonly<Record<CheckKind, readonly string[]>> = {
  test: [],
  lint: ['lint-fix', 'fix'],
  types: [],
  format: ['format', 'fmt'],
}
/** Not `install`: by custom it writes into the system. */
const SETUP = ['setup', 'deps', 'install-deps', 'bootstrap']
/** Of a name that stands at the beginning of a line. */
const NAME = /^[A-Za-z][\w.-]{0,60}$/

/** Which command of a recipe shows that it does what would be proposed without it, in the environment set-up leaves. */
const SAME_TOOL: Readonly<Partial<Record<string, RegExp>>> = {
  go: /\bgo (?:test|vet)\b/,
  cargo: /\bcargo (?:test|clippy|fmt)\b/,
  maven: /\bmvnw?\b/,
  gradle: /\bgradlew?\b/,
  uv: /\buv run\b/,
  poetry: /\bpoetry run\b/,
  pip: /(?<![\w/])\.venv\/bin\//,
}

type Runner = { tool: 'make' | 'just'; file: string; recipes: ReadonlyMap<string, string> }

/**
 * What a Makefile or a justfile adds to what was found. The project's own entry counts: a target is proposed in place of
 * a command where its recipe calls the same tool, and for what nothing else was found for. One that calls something else
 * (a linter on the PATH, an activated environment) is not: set-up has not brought that.
 */
export async function detectTasks(files: CheckoutFiles, found: readonly Finding[]): Promise<Finding[]> {
  const runner = await runnerOf(files)
  if (runner === null) return [...found]
  const replaced = found.map((finding) => withOwnEntries(finding, runner))
  const open = CHECK_KINDS.filter((kind) => !found.some(({ checks }) => checks.some((check) => check.kind === kind)))
  const isAlone = found.length === 0
  const checks = open.flatMap((kind) => checkOf(runner, kind)).filter(({ kind }) => isAlone || kind === 'test')
  const setup = isAlone ? setupOf(runner) : []
  if (checks.length === 0 && setup.length === 0) return replaced
  const { tool } = runner
  const cache = isAlone ? await builtFolders(files, runner) : []
  return [
    ...replaced,
    { tool, language: tool, lockFile: null, setup, cache, env: [], checks, notes: notesOf(isAlone, setup) },
  ]
}

function notesOf(isAlone: boolean, setup: readonly Line[]): string[] {
  if (!isAlone || setup.length > 0) return []
  return [`No target for set-up was found (${SETUP.join(', ')}). Where checks need one, add setup: to moose.yaml.`]
}

async function runnerOf(files: CheckoutFiles): Promise<Runner | null> {
  const makefile = firstOf(files, MAKEFILES)
  if (makefile !== undefined)
    return { tool: 'make', file: makefile, recipes: recipesOf(await textOf(files, makefile), isRule) }
  const justfile = firstOf(files, JUSTFILES)
  if (justfile === undefined) return null
  return { tool: 'just', file: justfile, recipes: recipesOf(await textOf(files, justfile), isJustRecipe) }
}

/** The lines below each target, by its name. */
function recipesOf(text: string, targetsOf: (line: string) => string[]): Map<string, string> {
  const recipes = new Map<string, string[]>()
  let open: string[] = []
  for (const line of text.split('\n')) {
    if (/^[ \t]/.test(line)) {
      for (const target of open) recipes.get(target)?.push(line)
      continue
    }
    if (line.trim() === '' || line.startsWith('#')) continue
    open = targetsOf(line).slice(0, 10)
    for (const target of open) if (!recipes.has(target)) recipes.set(target, [])
  }
  return new Map([...recipes].map(([target, lines]) => [target, lines.join('\n')]))
}

/** `test lint: deps`, but no `NAME := value`. */
function isRule(line: string): string[] {
  const colon = line.indexOf(':')
  const assigned = line.indexOf('=')
  if (colon <= 0 || line[colon + 1] === '=' || (assigned >= 0 && assigned < colon)) return []
  return line
    .slice(0, colon)
    .split(/[ \t]+/, 50)
    .filter((name) => NAME.test(name))
}

/** `test:`, `@lint: build`; one with parameters that have no default cannot be called without them. */
function isJustRecipe(line: string): string[] {
  const colon = line.indexOf(':')
  if (colon <= 0 || line[colon + 1] === '=') return []
  const [name, ...parameters] = line
    .slice(0, colon)
    .replace(/^@/, '')
    .trim()
    .split(/[ \t]+/, 50)
  if (name === undefined || !NAME.test(name)) return []
  return parameters.every((parameter) => parameter.includes('=') || parameter.startsWith('*')) ? [name] : []
}

function checkOf(runner: Runner, kind: CheckKind): FoundCheck[] {
  const name = TARGETS[kind].find((target) => runner.recipes.has(target))
  if (name === undefined) return []
  const fix = FIXES[kind].find((target) => runner.recipes.has(target))
  const why = `${runner.tool === 'make' ? 'target' : 'recipe'} ${name} of ${runner.file}`
  return [{ kind, run: `${runner.tool} ${name}`, why, fix: fix === undefined ? null : `${runner.tool} ${fix}` }]
}

function withOwnEntries(finding: Finding, runner: Runner): Finding {
  const sameTool = SAME_TOOL[finding.tool]
  if (sameTool === undefined) return finding
  const checks = finding.checks.map((check) => {
    const [own] = checkOf(runner, check.kind)
    const recipe = own === undefined ? undefined : runner.recipes.get(own.run.slice(runner.tool.length + 1))
    if (own === undefined || recipe === undefined || !sameTool.test(recipe)) return check
    return { ...own, why: `${own.why}, which calls ${finding.tool}`, fix: own.fix ?? check.fix }
  })
  const recipes = checks.map(({ run }) => runner.recipes.get(run.slice(runner.tool.length + 1)))
  const isRacing = finding.tool === 'go' && recipes.some((recipe) => recipe !== undefined && RACING.test(recipe))
  return { ...finding, checks, setup: isRacing ? finding.setup.map(withRaces) : finding.setup }
}

/** What is compiled to detect races is another build of everything, the standard library too. */
const RACING = /\bgo test[ \t](?:[^\n]{0,300}[ \t])?-race(?![\w-])/

function withRaces({ value, why }: Line): Line {
  return { value: value.replace(/^go test /, 'go test -race '), why }
}

function setupOf({ tool, file, recipes }: Runner): Line[] {
  const name = SETUP.find((target) => recipes.has(target))
  return name === undefined ? [] : [{ value: `${tool} ${name}`, why: `${name} of ${file}` }]
}

/** Folders that git ignores and the recipe of set-up names: what it installs. */
async function builtFolders(files: CheckoutFiles, { file, recipes }: Runner): Promise<Line[]> {
  const recipe = recipes.get(String(SETUP.find((target) => recipes.has(target))))
  if (recipe === undefined) return []
  const ignored = (await textOf(files, '.gitignore')).split('\n').map((line) => line.trim().replace(/^\/|\/$/g, ''))
  const words = new Set(recipe.split(/[^\w./-]+/).flatMap((word) => [word, word.replace(/\/.*$/s, '')]))
  return [...new Set(ignored)]
    .filter((name) => /^[\w.-]+$/.test(name) && !/^\.{1,2}$/.test(name) && words.has(name))
    .slice(0, 10)
    .map((value) => ({ value, why: `made by ${file}, ignored by git` }))
}
