import { type CheckoutFiles, groupIn, readJson, type Said, textOf } from './checkout-files.ts'
import type { CheckKind, Finding, FoundCheck, Line } from './finding.ts'

type Manager = 'npm' | 'pnpm' | 'yarn' | 'yarn-classic' | 'bun'

const LOCK_FILES: readonly (readonly [file: string, manager: Manager])[] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
]

/** Each installs exactly what the lock file says, and fails where that does not fit `package.json`. */
const LOCKED_INSTALL: Readonly<Record<Manager, string>> = {
  npm: 'npm ci',
  pnpm: 'pnpm install --frozen-lockfile',
  yarn: 'yarn install --immutable',
  'yarn-classic': 'yarn install --frozen-lockfile',
  bun: 'bun install --frozen-lockfile',
}

/** Names of scripts by what they do; the first that is there counts. */
const SCRIPTS: Readonly<Record<CheckKind, readonly string[]>> = {
  test: ['test', 'test:ci', 'test:run', 'tests', 'test:unit'],
  lint: ['lint:check', 'lint:ci', 'lint'],
  types: ['typecheck', 'type-check', 'types:check', 'check:types', 'check-types', 'tsc'],
  format: ['format:check', 'check:format', 'check-format', 'format-check', 'fmt:check', 'prettier:check'],
}
const FIXES: Readonly<Record<CheckKind, readonly string[]>> = {
  test: [],
  lint: ['lint:fix'],
  types: [],
  format: ['format', 'format:fix', 'fmt', 'prettier', 'prettier:fix'],
}
/** In place of a `test` that waits for changes. */
const TESTS_ONCE = ['test:ci', 'test:run', 'test:once', 'ci:test']

/** What `npm init` writes. @see https://docs.npmjs.com/cli/commands/npm-init */
const PLACEHOLDER = /no test specified/
const WATCHES = /(?:^|\s)--?watch(?:All)?(?:[\s=]|$)/
const TURNED_OFF = /--watch(?:All)?=false|--no-watch/
/** A script of several commands, of which the last would get what is added. */
const SEVERAL = /[;&|\n]/
const MOST_MEMBERS = 40

/** Null: no package.json that can be read. */
export async function detectNode(files: CheckoutFiles): Promise<Finding | null> {
  const manifest = await readJson(files, 'package.json')
  if (manifest === null) return null
  const { manager, lockFile, why, notes } = await managerOf(files, manifest)
  const checks = checksOf(groupIn(manifest, 'scripts'), manager)
  const setup = lockFile === null ? `${commandOf(manager)} install` : LOCKED_INSTALL[manager]
  const isUsed = lockFile !== null || checks.length > 0 || Object.keys(groupIn(manifest, 'dependencies')).length > 0
  if (!isUsed) return null
  return {
    tool: commandOf(manager),
    language: 'node',
    lockFile,
    setup: [{ value: setup, why }],
    cache: await cacheOf(files, manifest, manager),
    env: [],
    checks,
    notes: [...notes, ...checkNotes(groupIn(manifest, 'scripts'), checks)],
  }
}

type Choice = { manager: Manager; lockFile: string | null; why: string; notes: string[] }

/** The lock file decides; between several, the field `packageManager`. */
async function managerOf(files: CheckoutFiles, { packageManager }: Said): Promise<Choice> {
  const [, named = null] = /^(npm|pnpm|yarn|bun)@/.exec(String(packageManager)) ?? []
  const found = LOCK_FILES.filter(([file]) => files.names.has(file))
  const [lock] = [...found.filter(([, manager]) => manager === named), ...found]
  if (lock === undefined) {
    const manager = await yarnOr(named, files, packageManager)
    const why =
      named === null ? 'package.json, without a lock file' : 'packageManager of package.json, without a lock file'
    const isUnwanted = /^[ \t]*package-lock[ \t]*=[ \t]*false\b/m.test(await textOf(files, '.npmrc'))
    const remedy = isUnwanted ? '.npmrc says package-lock=false.' : `Commit that of ${commandOf(manager)}.`
    const note = `No lock file is committed: every set-up may install other versions. ${remedy}`
    return { manager, lockFile: null, why, notes: [note] }
  }
  const [lockFile, locked] = lock
  const others = new Set(found.filter(([, manager]) => manager !== locked).map(([file]) => file))
  const notes = others.size === 0 ? [] : [`${[...others].join(' and ')} is there beside ${lockFile}, which counts.`]
  const manager = await yarnOr(locked, files, packageManager)
  return { manager, lockFile, why: lockFile, notes: [...notes, ...versionNote(named, packageManager)] }
}

function versionNote(named: string | null, packageManager: unknown): string[] {
  const version = /^(?:pnpm|yarn)@\d{1,4}(?:\.\d{1,6}){0,2}/.exec(String(packageManager))?.[0]
  if (named === null || version === undefined) return []
  return [`package.json asks for ${version}: the PATH needs it, or corepack (\`corepack enable\`), which fetches it.`]
}

/** From version 2 on yarn has other options, and writes other lock files. */
async function yarnOr(named: string | null, files: CheckoutFiles, packageManager: unknown): Promise<Manager> {
  if (named === 'npm' || named === 'pnpm' || named === 'bun') return named
  if (named === null) return 'npm'
  const [, major] = /^yarn@(\d{1,4})/.exec(String(packageManager)) ?? []
  if (major !== undefined) return Number(major) >= 2 ? 'yarn' : 'yarn-classic'
  if (files.names.has('.yarnrc.yml')) return 'yarn'
  return /^__metadata:/m.test(await textOf(files, 'yarn.lock')) ? 'yarn' : 'yarn-classic'
}

function commandOf(manager: Manager): string {
  return manager === 'yarn-classic' ? 'yarn' : manager
}

async function cacheOf(files: CheckoutFiles, manifest: Said, manager: Manager): Promise<Line[]> {
  const lines: Line[] = []
  const isLinked =
    manager !== 'yarn' || /^nodeLinker:\s*["']?(?:node-modules|pnpm)/m.test(await textOf(files, '.yarnrc.yml'))
  if (isLinked) lines.push({ value: 'node_modules', why: `where ${commandOf(manager)} installs` })
  if (isLinked) lines.push(...(await memberFolders(files, manifest)).map(memberLine))
  if (manager === 'yarn') lines.push({ value: '.yarn/install-state.gz', why: 'yarn runs nothing without it' })
  if (!isLinked)
    for (const value of ['.pnp.cjs', '.pnp.loader.mjs', '.yarn/cache', '.yarn/unplugged', '~/.yarn/berry'])
      if (!files.names.has(value)) lines.push({ value, why: "yarn's Plug'n'Play" })
  if (/^(?:pnpm|yarn)@/.test(String(manifest['packageManager'])))
    lines.push({ value: '~/.cache/node/corepack', why: 'what corepack fetches for packageManager' })
  return lines
}

function memberLine(folder: string): Line {
  return { value: `${folder}/node_modules`, why: 'a member of the workspace' }
}

/** The folders of a workspace, as far as they are named plainly: `packages/*`, `apps/**`, `tools/cli`. */
async function memberFolders(files: CheckoutFiles, manifest: Said): Promise<string[]> {
  const patterns = [...texts(manifest['workspaces']), ...texts(groupIn(manifest, 'workspaces')['packages'])]
  const ofPnpm = Array.from(
    (await textOf(files, 'pnpm-workspace.yaml')).matchAll(/^[ \t]*-[ \t]*["']?([^\s"'#]{1,200})/gm),
  )
  const folders = [...patterns, ...ofPnpm.map(([, pattern]) => String(pattern))]
  const exact = new Set(folders)
  const ofOne = new Set(folders.filter((one) => one.endsWith('/*')).map((one) => one.slice(0, -2)))
  const below = folders
    .filter((one) => one.endsWith('/**'))
    .map((one) => one.slice(0, -2))
    .slice(0, MOST_MEMBERS)
  return [...files.names]
    .filter((name) => name.endsWith('/package.json'))
    .map((name) => name.slice(0, -'/package.json'.length))
    .filter(
      (one) => exact.has(one) || ofOne.has(one.replace(/\/[^/]*$/, '')) || below.some((start) => one.startsWith(start)),
    )
    .filter((one) => /^[\w@.-]+(?:\/[\w@.-]+)*$/.test(one))
    .toSorted()
    .slice(0, MOST_MEMBERS)
}

function texts(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((one) => typeof one === 'string').slice(0, 100) : []
}

function checksOf(scripts: Said, manager: Manager): FoundCheck[] {
  const checks: FoundCheck[] = []
  for (const kind of ['test', 'lint', 'types', 'format'] as const) {
    const name = kind === 'test' ? testScript(scripts) : scriptOf(scripts, SCRIPTS[kind])
    if (name === undefined) continue
    const fix = scriptOf(scripts, FIXES[kind])
    checks.push({
      kind,
      run: `${runOf(manager, name)}${kind === 'test' ? once(String(scripts[name]), manager) : ''}`,
      why: `scripts.${name} of package.json`,
      fix: fix === undefined ? null : runOf(manager, fix),
    })
  }
  return checks
}

function scriptOf(scripts: Said, names: readonly string[]): string | undefined {
  return names.find((name) => {
    const script = Object.hasOwn(scripts, name) ? scripts[name] : undefined
    return typeof script === 'string' && script.trim() !== '' && !PLACEHOLDER.test(script)
  })
}

function testScript(scripts: Said): string | undefined {
  const name = scriptOf(scripts, SCRIPTS.test)
  if (name === undefined || !isWatching(String(scripts[name]))) return name
  const ofOneRun = scriptOf(scripts, TESTS_ONCE)
  return ofOneRun === undefined ? name : ofOneRun
}

function isWatching(script: string): boolean {
  if (WATCHES.test(script) && !TURNED_OFF.test(script)) return true
  return /(?:^|\s)vitest(?:\s|$)/.test(script) && !/(?:^|\s)(?:run|related|bench|--run)(?:\s|$)/.test(script)
}

/** What makes a test run that waits for changes end; empty where it ends by itself, or nothing is known that would. */
function once(script: string, manager: Manager): string {
  if (!isWatching(script) || SEVERAL.test(script)) return ''
  const flag = /(?:^|\s)vitest(?:\s|$)/.test(script)
    ? '--run'
    : /(?:^|\s)(?:jest|react-scripts)(?:\s|$)/.test(script)
      ? '--watchAll=false'
      : /(?:^|\s)ng\s+test(?:\s|$)/.test(script)
        ? '--watch=false'
        : null
  if (flag === null) return ''
  return manager === 'npm' ? ` -- ${flag}` : ` ${flag}`
}

function runOf(manager: Manager, script: string): string {
  if (manager === 'npm' && script === 'test') return 'npm test'
  return `${commandOf(manager)} run ${script}`
}

function checkNotes(scripts: Said, checks: readonly FoundCheck[]): string[] {
  const notes: string[] = []
  for (const { kind, run, why } of checks) {
    const name = why.slice('scripts.'.length, -' of package.json'.length)
    const script = String(scripts[name])
    if (kind === 'test' && isWatching(script) && !/ --(?:run|watch)/.test(run))
      notes.push(`scripts.${name} seems to wait for changes. Give the check a command that ends.`)
    if (kind !== 'test' && /\s--(?:fix|write)(?:\s|$)/.test(script))
      notes.push(`scripts.${name} changes files. What a check changes is undone, so it passes where it should fail.`)
  }
  if (!checks.some(({ kind }) => kind === 'test')) notes.push('package.json has no script that tests.')
  return notes
}
