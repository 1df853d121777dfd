import { type CheckoutFiles, filesBelow } from './checkout-files.ts'
import {
  detectGo,
  detectGradle,
  detectMaven,
  detectRust,
  GO_MANIFESTS,
  GRADLE_MANIFESTS,
  MAVEN_MANIFESTS,
  RUST_MANIFESTS,
} from './compiled.ts'
import type { Finding, Line } from './finding.ts'
import { detectNode } from './node.ts'
import { detectPython, PYTHON_MANIFESTS } from './python.ts'
import { hostsOf } from './registries.ts'
import { detectTasks, TASK_MANIFESTS } from './task-runner.ts'

const MANIFESTS = [
  'package.json',
  ...PYTHON_MANIFESTS,
  ...GO_MANIFESTS,
  ...RUST_MANIFESTS,
  ...MAVEN_MANIFESTS,
  ...GRADLE_MANIFESTS,
  ...TASK_MANIFESTS,
]
/** Of folders below the root that are looked into where the root says nothing. */
const MOST_FOLDERS = 5
/** As a check has to name it without quotes. */
const PLAIN_FOLDER = /^[A-Za-z0-9_][\w.-]*$/

/** What was found, of each language, and what the whole says. */
export type Detection = { findings: readonly FoundWithHosts[]; notes: readonly string[] }
/** `hosts`: what its set-up fetches from. */
type FoundWithHosts = Finding & { hosts: readonly Line[] }

/**
 * What a checkout needs, by its own files: package manager, lock file, set-up, caches and checks. The root counts; where
 * it says nothing, up to five folders directly below it do. Several languages are combined.
 */
export async function detect(checkout: CheckoutFiles): Promise<Detection> {
  // Names are told in comments and in notes.
  const names = new Set([...checkout.names].filter((name) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(name)))
  const files = { names, read: (name: string) => checkout.read(name) }
  const atRoot = await detectHere(files)
  const folders = foldersWithManifest(files)
  if (atRoot.length > 0)
    return { findings: atRoot, notes: atRoot.flatMap(({ notes }) => notes).concat(besides(atRoot, folders)) }
  const findings: FoundWithHosts[] = []
  for (const folder of folders.slice(0, MOST_FOLDERS)) {
    const found = await detectHere(filesBelow(files, folder))
    findings.push(...found.map((finding) => inFolder(finding, folder)))
  }
  const left = folders.slice(MOST_FOLDERS)
  const notes = findings.flatMap(({ notes }) => notes)
  return {
    findings,
    notes: left.length === 0 ? notes : [...notes, `Not looked into: ${left.slice(0, 10).join(', ')}.`],
  }
}

async function detectHere(files: CheckoutFiles): Promise<FoundWithHosts[]> {
  const makers = [detectNode, detectPython, detectGo, detectRust, detectMaven, detectGradle]
  const found: Finding[] = []
  for (const make of makers) {
    const finding = await make(files)
    if (finding !== null) found.push(finding)
  }
  const all = await detectTasks(files, found)
  return await Promise.all(all.map(async (finding) => ({ ...finding, hosts: await hostsOf(files, finding) })))
}

function foldersWithManifest(files: CheckoutFiles): string[] {
  const folders = new Set<string>()
  for (const name of files.names) {
    const [folder, file, ...rest] = name.split('/', 3)
    if (folder !== undefined && file !== undefined && rest.length === 0 && MANIFESTS.includes(file)) folders.add(folder)
  }
  return [...folders].filter((folder) => PLAIN_FOLDER.test(folder)).toSorted()
}

/** Folders with something of their own beside the root, which counts alone. */
function besides(atRoot: readonly Finding[], folders: readonly string[]): string[] {
  const isWorkspace = atRoot.some(({ cache }) => cache.some(({ value }) => value.endsWith('/node_modules')))
  const shown = folders.slice(0, 5).join(', ')
  if (folders.length === 0 || isWorkspace) return []
  return [
    `The root alone was looked at. ${shown} ${folders.length === 1 ? 'has' : 'have'} files of a package too; add checks for them where they need some.`,
  ]
}

/** The same, said from the root. */
function inFolder(finding: FoundWithHosts, folder: string): FoundWithHosts {
  const within = (line: string) => (line.endsWith('\n') ? `cd ${folder}\n${line}` : `(cd ${folder} && ${line})`)
  const place = ({ value, why }: Line) => ({ value: value.startsWith('~/') ? value : `${folder}/${value}`, why })
  const { lockFile } = finding
  return {
    ...finding,
    tool: `${folder}: ${finding.tool}`,
    lockFile: lockFile === null ? null : `${folder}/${lockFile}`,
    setup: finding.setup.map(({ value, why }) => ({ value: within(value), why: `${why} in ${folder}` })),
    cache: finding.cache.map(place),
    checks: finding.checks.map((check) => ({
      ...check,
      run: within(check.run),
      why: `${check.why} in ${folder}`,
      fix: check.fix === null ? null : within(check.fix),
    })),
    notes: finding.notes.map((note) => `${folder}: ${note}`),
  }
}
