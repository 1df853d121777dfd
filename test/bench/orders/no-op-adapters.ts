import type { Adapters } from '../../../src/attempt/context.ts'
import { parseMooseYaml } from '../../../src/checks/moose-yaml.ts'
import type { BaseTree } from '../../../src/ports/proposal.ts'
import type { PublishInput, PullRequest } from '../../../src/ports/pull-request.ts'
import type { WorkTree } from '../../../src/ports/workspace.ts'

const BASE = '0'.repeat(40)
const HEAD = '1'.repeat(40)

const CONFIG = parseMooseYaml(null)

const TREE: BaseTree = { sha: BASE, read: async () => null, isExecutable: async () => false, list: async () => [] }

const WORK_TREE: WorkTree = {
  path: '/nowhere',
  baseSha: BASE,
  borrows: [],
  image: null,
  commit: async () => HEAD,
  changedPaths: async () => [],
  [Symbol.asyncDispose]: async () => undefined,
}

/** Adapters that answer at once and do nothing: what is left is the orchestrator, the engine and the database. */
export function noOpAdapters(real: Adapters): Adapters {
  let published = 0
  const forge = {
    ...real.forges.local,
    assertReady: async () => undefined,
    async publish(input: PublishInput): Promise<PullRequest> {
      published += 1
      return pullRequest(input, published)
    },
  }
  return {
    ...real,
    manager: {
      ...real.manager,
      route: async () => ({
        selected_proposer: 'scripted',
        reason: 'nothing is chosen here',
        confidence: 1,
        routing_metadata: { complexity_score: 0, hard_stop_required: false },
      }),
    },
    proposer: {
      propose: async () => ({ content: 'nothing', cost: 0, proposer_used: 'scripted', format: 'edits' }),
    },
    executors: {
      ...real.executors,
      patch: { ...real.executors.patch, apply: async () => ({ costUsd: 0, answers: 0 }) },
    },
    workspaces: {
      ...real.workspaces,
      assertReady: async () => undefined,
      fetchBase: async () => BASE,
      tree: () => TREE,
      open: async () => ({
        ...WORK_TREE,
        restore: async () => undefined,
        commitWithin: async () => ({ sha: null, outside: [] }),
        ignored: async () => [],
        keepCaches: async () => undefined,
      }),
      openScoped: async () => WORK_TREE,
      changedFiles: async () => [],
      diff: async () => '',
      discard: async () => undefined,
      rollBack: async () => null,
    },
    bases: {
      ...real.bases,
      configOf: async () => CONFIG,
      know: async () => ({ sha: BASE, config: CONFIG, checks: [], wasKnown: true }),
    },
    secretSearch: { find: async () => null },
    heldSearch: { find: async () => [], mergedSince: async () => new Map(), diffOf: async () => '' },
    forges: { ...real.forges, local: forge },
  }
}

function pullRequest({ branches, project, headSha, workOrderId }: PublishInput, number: number): PullRequest {
  const branch = String(branches[0])
  const url = `local:${workOrderId}`
  return { number, url, branch, base: project.defaultBranch, headSha, state: 'open', mergeSha: null }
}
