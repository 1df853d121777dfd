import { realpath } from 'node:fs/promises'
import path from 'node:path'
import { parseMooseYaml } from '../checks/moose-yaml.ts'
import type { Config } from '../config.ts'
import { type CheckoutFiles, MOST_BYTES } from '../detect/checkout-files.ts'
import { detect } from '../detect/detect.ts'
import { type Proposal, proposalOf, writeMooseYaml } from '../detect/proposal.ts'
import { errorCode } from '../faults/error-code.ts'
import { Fault } from '../faults/fault.ts'
import { lstatOrNull } from '../files/lstat-or-null.ts'
import { readPlainFile } from '../files/plain-file.ts'
import { Git } from '../git/git.ts'
import type { ProjectConfig } from '../ports/execution.ts'
import { operatorRegistries, withRegistries } from './operator-registries.ts'

/** About 300,000 names; more are left out, and the root's come early. */
const MOST_LISTED_BYTES = 16 * 1024 * 1024
const LIST_TIMEOUT_MS = 30_000
const GONE: ReadonlySet<string | null> = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'])

export type ProposedMooseYaml = {
  /** Absolute path of the file it would be. */
  file: string
  proposal: Proposal
  text: string
  /** Of the checkout; null where it is on none. */
  branch: string | null
  /** The `moose.yaml` that is there; null: none. `problems`, one `moose.yaml:LINE: …` each; without any it is valid. `hosts`: what it asks for, for `setup`. */
  existing: { problems: readonly string[]; lacks: readonly string[]; hosts: readonly string[] } | null
}

/**
 * The `moose.yaml` that fits a checkout by its tracked files, which are read and never run.
 *
 * @param checkout absolute path of its root
 * @returns null where that is no checkout, such as a bare repository
 */
export async function proposeMooseYaml(
  config: Pick<Config, 'home' | 'registryEnvironment' | 'toolchainEnvironment'>,
  checkout: string,
): Promise<ProposedMooseYaml | null> {
  const git = new Git(path.join(config.home, 'git-home'))
  const names = await trackedNames(git, checkout)
  if (names === null) return null
  const detection = await detect(await filesOf(checkout, names))
  const proposal = withRegistries(proposalOf(detection), detection, await operatorRegistries(config))
  const head = await git.run(['-C', checkout, 'symbolic-ref', '--quiet', '--short', 'HEAD'], { signal: null })
  return {
    file: path.join(checkout, 'moose.yaml'),
    proposal,
    text: writeMooseYaml(proposal),
    branch: head.exitCode === 0 ? head.stdout.text().trim() : null,
    existing: await existingOf(path.join(checkout, 'moose.yaml'), proposal),
  }
}

async function trackedNames(git: Git, checkout: string): Promise<string[] | null> {
  const inside = await git.run(['-C', checkout, 'rev-parse', '--is-inside-work-tree'], { signal: null })
  if (inside.exitCode !== 0 || inside.stdout.text().trim() !== 'true') return null
  const args = ['-C', checkout, 'ls-files', '-z']
  const listed = await git.run(args, {
    signal: null,
    maxOutputBytes: MOST_LISTED_BYTES,
    keep: 'head',
    timeoutMs: LIST_TIMEOUT_MS,
  })
  if (listed.exitCode !== 0) return null
  const names = listed.stdout.text().split('\0')
  // What follows the last NUL is nothing, or half a name.
  return names.slice(0, -1)
}

async function filesOf(checkout: string, names: readonly string[]): Promise<CheckoutFiles> {
  const root = await realpath(checkout)
  return { names: new Set(names), read: (name) => readInside(root, name) }
}

/** A folder may have been replaced by a link that leads elsewhere. */
async function readInside(root: string, name: string): Promise<string | null> {
  const file = path.join(root, name)
  try {
    const folder = await realpath(path.dirname(file))
    if (folder !== root && !folder.startsWith(root + path.sep)) return null
    return await readPlainFile(path.join(folder, path.basename(file)), MOST_BYTES)
  } catch (error) {
    if (GONE.has(errorCode(error))) return null
    throw error
  }
}

async function existingOf(file: string, proposal: Proposal): Promise<ProposedMooseYaml['existing']> {
  if ((await lstatOrNull(file)) === null) return null
  const text = await readPlainFile(file, MOST_BYTES)
  if (text === null) {
    const problem = `it is no plain file of at most ${MOST_BYTES} bytes that can be read`
    return { problems: [`moose.yaml:1: ${problem}`], lacks: [], hosts: [] }
  }
  try {
    const config = parseMooseYaml(text)
    return { problems: [], lacks: lacking(config, proposal), hosts: config.network.setup }
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'checks_invalid') throw error
    return { problems: String(error.details['problems']).split('\n'), lacks: [], hosts: [] }
  }
}

/** What a proposal has and a file has not, in words. */
function lacking(config: ProjectConfig, proposal: Proposal): string[] {
  const setup = config.setup === null ? proposal.setup.map(({ value, why }) => `setup: ${value} (${why})`) : []
  const known = new Set(config.cache.map((place) => place.replace(/\/$/, '')))
  const cache = proposal.cache.filter(({ value }) => !known.has(value))
  const runs = new Set(config.checks.flatMap(({ name, run }) => [name, run.trim()]))
  const checks = proposal.checks.filter(({ name, run }) => !runs.has(name) && !runs.has(run.trim()))
  const hosts = config.network.setup.length === 0 ? proposal.hosts : []
  return [
    ...setup,
    ...cache.map(({ value, why }) => `cache: ${value} (${why})`),
    ...hosts.map(({ value, why }) => `network.setup: ${value} (${why})`),
    ...checks.map(({ name, run, why }) => `check ${name}: ${run.trim()} (${why})`),
  ]
}
