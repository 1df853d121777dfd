import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import { openWatched } from './browser.ts'
import { moose } from './service-process.ts'

/** As a user gets it: the link of `moose open`, which logs one browser in, once. @param order it leads to; else to the inbox */
export async function linkTo(environment: Record<string, string>, order?: string): Promise<string> {
  const { exitCode, stdout, stderr } = await moose(
    environment,
    'open',
    ...(order === undefined ? [] : [order]),
    '--json',
  )
  assert.equal(exitCode, 0, stderr)
  const { url }: { url: string } = JSON.parse(stdout)
  return url
}

/** A browser of a user of its own, at the inbox. @param environment that the link is made in */
export async function logIn(
  browser: Browser,
  environment: Record<string, string>,
  options?: Parameters<typeof openWatched>[1],
) {
  const watched = await openWatched(browser, options)
  const page = await watched.context.newPage()
  await page.goto(await linkTo(environment))
  await page.getByRole('heading', { name: 'Inbox' }).waitFor()
  return { ...watched, page }
}
