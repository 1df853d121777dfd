import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { toFault } from '../../src/faults/fault.ts'
import { type GroupParent, groupParents } from '../../src/sandbox/limits/group-parents.ts'
import { type ChildLimits, runLimited } from '../../src/sandbox/limits/limited-run.ts'
import { OwnGroups } from '../../src/sandbox/limits/own-groups.ts'

const MEGABYTE = 1024 * 1024

/** Enough for every script of these tests, so that each does what it tries before a limit is set. */
export const AMPLE: ChildLimits = {
  memoryBytes: 1_024 * MEGABYTE,
  processes: 1_000,
  openFiles: 1_024,
  fileBytes: 1_024 * MEGABYTE,
  cpuSeconds: 600,
}

/** The groups of this process, as far as others can be made below them. */
export const parentsHere = (): GroupParent[] =>
  process.platform === 'linux'
    ? groupParents(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'))
    : []

/** What a child did: the code it was ended with, or what it printed. */
export type Did = {
  code: string | null
  limit: string | null
  exitCode: number | null
  output: string
  message: string
}

export type LimitedSetting = Disposable & {
  /** Both the home of the notes and the folder in which scripts run. */
  home: string
  groups: OwnGroups
  run: (script: string, limits?: Partial<ChildLimits>) => Promise<Did>
}

/** @param candidates where groups may be made; an empty list: nowhere */
export function limitedSetting(
  candidates: () => readonly GroupParent[] = parentsHere,
  home: string = mkdtempSync(path.join(tmpdir(), 'moose-limits-')),
): LimitedSetting {
  const groups = new OwnGroups(home, candidates)
  return {
    home,
    groups,
    run: (script, limits = {}) => runScript(script, { groups, home, limits: { ...AMPLE, ...limits } }),
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  }
}

async function runScript(
  script: string,
  { groups, home, limits }: { groups: OwnGroups; home: string; limits: ChildLimits },
): Promise<Did> {
  const printed: string[] = []
  const command = {
    command: '/bin/bash',
    args: ['-e', '-o', 'pipefail', '-c', `exec 2>&1; ${script}`],
    cwd: home,
    env: { PATH: `${path.dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`, HOME: home },
    timeoutMs: 60_000,
    maxOutputBytes: 0,
    signal: null,
    foreign: { home, what: 'check' } as const,
    onOutput: (text: string) => void printed.push(text),
  }
  const child = { what: 'check', folder: home } as const
  try {
    const { exitCode } = await runLimited({ groups, limits }, command, child)
    return { code: null, limit: null, exitCode, output: printed.join(''), message: '' }
  } catch (thrown) {
    const { code, message, details } = toFault(thrown)
    const limit = typeof details['limit'] === 'string' ? details['limit'] : null
    return { code, limit, exitCode: null, output: printed.join(''), message }
  }
}

/**
 * For the option `skip` of a test: why no groups can be made here, or false. A machine without is one on which these limits do
 * not hold, as `moose doctor` says there.
 */
export async function whyNoGroups(): Promise<string | false> {
  using setting = limitedSetting()
  const { controllers, refused } = await setting.groups.found()
  if (['memory', 'pids', 'cpu'].every((name) => controllers.some((found) => found === name))) return false
  return `no control groups can be made here: ${refused.join('; ')}`
}

/** A group of the test's own in each hierarchy, for groups to be made below. */
export function testGroups(): Disposable & { parents: GroupParent[] } {
  const name = `moose-test-${process.pid}-${performance.now()}`
  const parents = parentsHere()
    .filter(({ version }) => version === 1)
    .map((parent) => ({ ...parent, folder: path.join(parent.folder, name) }))
  for (const { folder } of parents) mkdirSync(folder)
  return {
    parents,
    [Symbol.dispose]() {
      for (const { folder } of parents) rmdirSync(folder)
    },
  }
}
