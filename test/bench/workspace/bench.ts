import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Mirrors } from '../../../src/git/mirrors.ts'
import { PLAIN_COMMITS, type Project } from '../../../src/work-order/project.ts'
import { createWorkspaces } from '../../../src/workspace/workspaces.ts'
import { median, numbersFrom } from '../numbers.ts'
import { type Figure, report } from '../report.ts'
import { bareFetch, bareGit, type Contender, moose, type Place } from './contenders.ts'
import { fileAt, makeRepository } from './make-repository.ts'

const SIZES = [1_000, 20_000, 100_000]
const TARGETS = { whole: 1.2, scoped: 0.15 }
const PHASES = ['create', 'commit', 'discard'] as const
const WARM_UP = 1

type Times = Record<(typeof PHASES)[number], number>
type Samples = Record<string, Times[]>
type Measured = { files: number; samples: Samples; fetch: { moose: number[]; bare: number[] } }

/** Work trees of repositories of three sizes: Moose's and bare git's in turns, one changed file each. */
export async function benchWorkspace(args: readonly string[]): Promise<void> {
  const { rounds, files: most } = numbersFrom(args, { rounds: 5, files: 100_000 })
  const measured: Measured[] = []
  for (const files of SIZES.filter((size) => size <= most)) measured.push(await measure(files, rounds))
  report({
    bench: 'workspace',
    settings: { rounds, most, folder: tmpdir() },
    figures: measured.flatMap(figuresOf),
    notes: [
      'Bare git: init, alternates, checkout; add, commit, fetch into the mirror; rm -rf; with the flags and variables Moose runs git with. Whole: what Aider and checks get. Scoped: what edits are applied in. Ratios are medians of the ratios of each round.',
      'Where files are slow to make, their making is all that is measured: set TMPDIR to a folder in memory to see the rest.',
    ],
    samples: measured,
  })
}

async function measure(files: number, rounds: number): Promise<Measured> {
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-bench-workspace-'))
  try {
    const place = await placeIn(folder, files)
    const contenders = [
      bareGit(place, 'bare', false),
      moose(place, 'whole', false),
      bareGit(place, 'bare-sparse', true),
      moose(place, 'scoped', true),
    ]
    const samples: Samples = Object.fromEntries(contenders.map(({ name }) => [name, []]))
    const fetch: Measured['fetch'] = { moose: [], bare: [] }
    for (let round = -WARM_UP; round < rounds; round += 1) {
      const turns = round % 2 === 0 ? contenders : contenders.toReversed()
      for (const contender of turns) {
        const times = await timesOf(contender)
        if (round >= 0) samples[contender.name]?.push(times)
      }
      const bare = await took(() => bareFetch(place))
      const ours = await took(() => place.workspaces.fetchBase(place.project, new AbortController().signal))
      if (round < 0) continue
      fetch.bare.push(bare)
      fetch.moose.push(ours)
    }
    return { files, samples, fetch }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function placeIn(folder: string, files: number): Promise<Place> {
  const repository = path.join(folder, 'origin.git')
  await makeRepository(repository, files)
  const mirrors = new Mirrors(folder)
  const workspaces = createWorkspaces({ root: folder, mirrors })
  const id = '00000000-0000-4000-8000-000000000001'
  const project: Project = {
    id,
    name: 'bench',
    repository,
    defaultBranch: 'main',
    forge: 'local',
    forgeHost: null,
    mirrorId: id,
    branchPattern: null,
    commits: PLAIN_COMMITS,
    sandboxImage: null,
  }
  const baseSha = await workspaces.fetchBase(project, new AbortController().signal)
  const mirror = mirrors.of(project).dir
  return { project, workspaces, mirror, folder, baseSha, file: fileAt(Math.floor(files / 2)) }
}

async function timesOf(contender: Contender): Promise<Times> {
  const create = await took(contender.create)
  const commit = await took(contender.commit)
  const discard = await took(contender.discard)
  return { create, commit, discard }
}

async function took(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await run()
  return performance.now() - startedAt
}

function figuresOf({ files, samples, fetch }: Measured): Figure[] {
  const totals = (name: string) => (samples[name] ?? []).map(({ create, commit, discard }) => create + commit + discard)
  const phase = (name: string, which: (typeof PHASES)[number]) => (samples[name] ?? []).map((times) => times[which])
  const ratio = (over: readonly number[], under: readonly number[]): number =>
    median(over.map((time, round) => time / Number(under[round])))
  const size = `${files / 1_000}k files`
  const scopedTarget = files === Math.max(...SIZES) ? { target: { atMost: TARGETS.scoped } } : {}
  return [
    ...Object.keys(samples).map((name) => ({ what: `${size}: ${name}`, value: median(totals(name)), unit: 'ms' })),
    {
      what: `${size}: whole / bare`,
      value: ratio(totals('whole'), totals('bare')),
      unit: '×',
      target: { atMost: TARGETS.whole },
    },
    ...PHASES.map((which) => ({
      what: `${size}: ${which}, whole / bare`,
      value: ratio(phase('whole', which), phase('bare', which)),
      unit: '×',
    })),
    { what: `${size}: scoped / whole`, value: ratio(totals('scoped'), totals('whole')), unit: '×', ...scopedTarget },
    { what: `${size}: scoped / bare-sparse`, value: ratio(totals('scoped'), totals('bare-sparse')), unit: '×' },
    { what: `${size}: fetch of nothing, Moose / bare`, value: ratio(fetch.moose, fetch.bare), unit: '×' },
  ]
}
