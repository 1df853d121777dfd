import path from 'node:path'
import { PORT } from '../../src/db/embedded/socket-directory.ts'
import { mooseUp, type ServiceProcess } from '../support/service-process.ts'
import { type LosingProxy, startLosingProxy } from './losing-proxy.ts'
import { createTroubledHome, type TroubledHome, untilInReview } from './troubled-home.ts'

/** A service that reaches its database through a wire that loses answers. */
export type LossyService = AsyncDisposable & { troubled: TroubledHome; service: ServiceProcess; proxy: LosingProxy }

export async function startLossyService(orders: number): Promise<LossyService> {
  await using stack = new AsyncDisposableStack()
  const troubled = stack.use(await createTroubledHome(orders))
  const proxy = stack.use(await startLosingProxy(path.join(troubled.server.socketDirectory, `.s.PGSQL.${PORT}`)))
  const url = `postgresql://moose@127.0.0.1:${proxy.port}/moose?sslmode=disable`
  const service = stack.use(await mooseUp({ ...troubled.home.environment, DATABASE_URL: url }, '--start'))
  const owned = stack.move()
  return { troubled, service, proxy, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/**
 * Runs one more order and loses the answer to one of its commits.
 *
 * @param nth which, from 1; null: none is lost
 * @param before orders that are in review already
 * @returns the order, how many commits there were until it was in review, the statement whose answer was lost, and how
 *   long all took
 */
export async function loseCommit({ troubled, proxy }: LossyService, nth: number | null, before: number) {
  const began = performance.now()
  proxy.watch(nth)
  const [id] = await troubled.file(1)
  await untilInReview(troubled, before + 1, 60_000)
  return { id: String(id), commits: proxy.commits, lost: proxy.lost, ms: Math.round(performance.now() - began) }
}

/** So many orders show how many commits one has: beside it the service commits for itself, the more the longer it takes. */
export const COUNTED = 3

/**
 * Runs orders of which no commit is lost.
 *
 * @param ids orders that are in review already; these are added
 * @returns the commits of the one that had the fewest
 */
export async function fewestCommits(lossy: LossyService, ids: string[]): Promise<number> {
  const counts: number[] = []
  while (counts.length < COUNTED) {
    const { id, commits } = await loseCommit(lossy, null, ids.length)
    ids.push(id)
    counts.push(commits)
  }
  return Math.min(...counts)
}

/** So often an order may have fewer commits than others had, and lose none: beside orders the service commits for itself. */
export const MOST_TRIES = 5

/**
 * The same with one order after another, until one has lost that commit.
 *
 * @param ids orders that are in review already; these are added
 * @returns the statement whose answer was lost; null: none of them had so many commits
 */
export async function loseUntilLost(
  lossy: LossyService,
  nth: number,
  ids: string[],
  say: (line: string) => void,
): Promise<string | null> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const { id, lost, ms } = await loseCommit(lossy, nth, ids.length)
    ids.push(id)
    say(`lost commit ${nth}: in review after ${ms} ms (${lost?.replace(/\s+/g, ' ').slice(0, 70)})`)
    if (lost !== null) return lost
  }
  return null
}
