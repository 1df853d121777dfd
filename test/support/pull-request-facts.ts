import {
  type CheckFact,
  type CommentFact,
  NOTHING_TOLD,
  type PullRequestFacts,
  type ReviewFact,
  type ThreadFact,
} from '../../src/ports/pull-request-facts.ts'

export const sha = (digit: string): string => digit.repeat(40)

/** An open pull request about which there is nothing to do. */
export function factsWith(some: Partial<PullRequestFacts> = {}): PullRequestFacts {
  return {
    number: 1,
    state: 'open',
    branch: 'feature/wo-1',
    base: 'main',
    head_sha: sha('1'),
    known_head_sha: sha('1'),
    base_sha: sha('b'),
    has_base_moved: false,
    mergeability: 'clean',
    conflict_files: [],
    ...NOTHING_TOLD,
    knows: { checks: true, reviews: true },
    ...some,
  }
}

export function checkWith(some: Partial<CheckFact> = {}): CheckFact {
  return {
    kind: 'run',
    id: '7',
    name: 'build',
    state: 'red',
    said: 'FAILURE',
    url: null,
    head_sha: sha('1'),
    actions: null,
    on_base: 'green',
    ended_at: null,
    ...some,
  }
}

export function commentWith(some: Partial<CommentFact> = {}): CommentFact {
  return {
    id: 'c1',
    login: 'ada',
    may_write: true,
    is_moose: false,
    body: 'Say it louder.',
    at: '2026-11-01T10:00:00Z',
    edited_at: null,
    url: null,
    ...some,
  }
}

export function threadWith(some: Partial<ThreadFact> = {}): ThreadFact {
  const comments = some.comments === undefined ? [commentWith()] : some.comments
  return {
    id: 't1',
    path: 'greeting.txt',
    line: 2,
    is_resolved: false,
    ...some,
    comments,
  }
}

export function reviewWith(some: Partial<ReviewFact> = {}): ReviewFact {
  return {
    id: 'r1',
    login: 'ada',
    may_write: true,
    is_moose: false,
    state: 'changes_requested',
    body: 'Greet more warmly.',
    head_sha: sha('1'),
    at: '2026-11-01T10:00:00Z',
    edited_at: null,
    url: null,
    ...some,
  }
}
