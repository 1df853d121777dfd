import { toFault } from '../../faults/fault.ts'
import { callApi } from './github-api.ts'
import { githubFault } from './github-faults.ts'
import type { GitHubForgeParts } from './github-forge-parts.ts'
import { type GitHubRepository, slug } from './github-repository.ts'

/** Colours of labels that have to be made. */
const COLOURS: Readonly<Record<string, string>> = {
  moose: '8a5a2b',
  'risk: low': '2da44e',
  'risk: medium': 'd4a72c',
  'risk: high': 'cf222e',
}
const OTHER_COLOUR = 'ededed'

type Labelling = { repository: GitHubRepository; number: number; labels: readonly string[] }

/** Puts labels on a pull request and makes those the repository lacks. A failure is only noted: the work is done. */
export async function putLabels(parts: GitHubForgeParts, labelling: Labelling, signal: AbortSignal): Promise<void> {
  if (labelling.labels.length === 0) return
  try {
    if (await addLabels(parts, labelling, signal)) return
    for (const name of labelling.labels) await makeLabel(parts, labelling.repository, name, signal)
    if (!(await addLabels(parts, labelling, signal))) throw new Error('GitHub still does not know the labels')
  } catch (thrown) {
    if (signal.aborted) throw thrown
    const { code, message } = toFault(thrown)
    parts.log.warn({ number: labelling.number, code, reason: message }, 'the labels of a pull request were not set')
  }
}

/** @returns false when the repository lacks one of them */
async function addLabels(
  { gh }: GitHubForgeParts,
  { repository, number, labels }: Labelling,
  signal: AbortSignal,
): Promise<boolean> {
  const path = `repos/${slug(repository)}/issues/${number}/labels`
  const request = { host: repository.host, method: 'POST', path, body: { labels }, signal } as const
  const answer = await callApi(gh, request)
  if (answer.status === 404 || answer.status === 422) return false
  if (answer.status >= 300) throw githubFault(request, answer)
  return true
}

async function makeLabel(
  { gh }: GitHubForgeParts,
  repository: GitHubRepository,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const colour = COLOURS[name]
  const body = { name, color: colour === undefined ? OTHER_COLOUR : colour }
  const request = {
    host: repository.host,
    method: 'POST',
    path: `repos/${slug(repository)}/labels`,
    body,
    signal,
  } as const
  const answer = await callApi(gh, request)
  // 422: it is there already.
  if (answer.status >= 300 && answer.status !== 422) throw githubFault(request, answer)
}
