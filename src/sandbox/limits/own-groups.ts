import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Config } from '../../config.ts'
import { toFault } from '../../faults/fault.ts'
import { runCommand } from '../../process/run-command.ts'
import { ChildGroup } from './child-group.ts'
import { type Controller, type GroupParent, groupParents } from './group-parents.ts'
import { handOn, makeOwn, noteGroups, removeOwn } from './left-groups.ts'

/** Groups below which this process makes its own, and why others of the candidates are none. */
type Usable = { parents: readonly GroupParent[]; refused: readonly string[] }

/** What control groups limit or count here. */
export type FoundGroups = { controllers: readonly Controller[]; version: 1 | 2 | null; refused: readonly string[] }

const PROBE_TIMEOUT_MS = 10_000
const PROBE_LIMITS: Config['childLimits'] = {
  memoryBytes: 64 * 1024 * 1024,
  processes: 16,
  openFiles: 16,
  fileBytes: 0,
  cpuSeconds: 1,
}

/**
 * The control groups of this process, one for each running child, below one of its own. That one is there while a child
 * runs, and noted in the home, so that the next Moose ends and removes what a killed one leaves.
 */
export class OwnGroups {
  readonly #home: string
  readonly #candidates: () => readonly GroupParent[]
  #usable: Promise<Usable> | null = null
  #running = 0

  /** @param candidates where groups may be made; without it where `/proc` says */
  constructor(home: string, candidates: () => readonly GroupParent[] = candidatesHere) {
    this.#home = home
    this.#candidates = candidates
  }

  async found(): Promise<FoundGroups> {
    const { parents, refused } = await this.#find()
    const [first] = parents
    const controllers = parents.flatMap((parent) => parent.controllers)
    return { controllers, version: first === undefined ? null : first.version, refused }
  }

  /** Null where none can be made. @throws {Error} of the system */
  async make(limits: Config['childLimits']): Promise<ChildGroup | null> {
    const { parents } = await this.#find()
    if (parents.length === 0) return null
    if (this.#running === 0) noteGroups(this.#home, parents)
    const group = ChildGroup.make(parents.map(makeOwn), randomUUID(), limits)
    this.#running += 1
    return group
  }

  /** Ends what is left of a child and removes its group. What cannot be removed stays noted. */
  async end(group: ChildGroup): Promise<void> {
    const { parents } = await this.#find()
    const isGone = await group.remove()
    this.#running -= 1
    if (this.#running === 0 && isGone) removeOwn(this.#home, parents)
  }

  #find(): Promise<Usable> {
    this.#usable ??= findUsable(this.#candidates())
    return this.#usable
  }
}

function candidatesHere(): GroupParent[] {
  if (process.platform !== 'linux') return []
  return groupParents(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'))
}

/** The first of version 2 that can be had, else all of version 1. */
async function findUsable(candidates: readonly GroupParent[]): Promise<Usable> {
  const parents: GroupParent[] = []
  const refused: string[] = []
  for (const candidate of candidates.toSorted((a, b) => b.version - a.version)) {
    if (parents.some(({ version }) => version === 2)) break
    try {
      parents.push(await tried(candidate))
    } catch (error) {
      refused.push(`${candidate.folder}: ${toFault(error).message}`)
    }
  }
  return { parents, refused }
}

/** @returns the parent with what groups below it limit @throws {Error} when none can be made, or no process can enter it */
async function tried(parent: GroupParent): Promise<GroupParent> {
  const usable = parent.version === 2 ? handOn(parent) : parent
  try {
    const group = ChildGroup.make([makeOwn(usable)], randomUUID(), PROBE_LIMITS)
    try {
      await enter(group)
    } finally {
      await group.remove()
    }
  } finally {
    removeOwn(null, [usable])
  }
  return usable
}

async function enter({ entrances }: ChildGroup): Promise<void> {
  const { exitCode, stderr } = await runCommand({
    command: '/bin/sh',
    args: ['-c', 'for each in "$@"; do echo 0 > "$each" || exit 1; done', 'sh', ...entrances],
    cwd: '/',
    env: {},
    timeoutMs: PROBE_TIMEOUT_MS,
    maxOutputBytes: 1_000,
    signal: null,
  })
  if (exitCode !== 0) throw new Error(`no process can enter a group there (${stderr.text().trim()})`)
}
