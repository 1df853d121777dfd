import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { graveViolations, openBrowser, openWatched, scrollsSideways, whyNoBrowser } from '../support/browser.ts'
import { openView, viewsOf } from '../support/page-views.ts'
import { type ShownMoose, showMoose } from '../support/shown-moose.ts'

/** What a view says on purpose: answers that are an error, or that never come. */
const ANSWERED = /status of (404|503)|ERR_FAILED/

describe('axe', { skip: whyNoBrowser(), timeout: 600_000 }, () => {
  let shown: ShownMoose
  let browser: Browser

  before(async () => {
    shown = await showMoose()
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await shown?.[Symbol.asyncDispose]()
  })

  for (const [colorScheme, width] of [
    ['light', 1440],
    ['dark', 390],
  ] as const) {
    test(`every view is without a serious or critical violation and needs no sideways scrolling: ${colorScheme}, ${width} px`, async () => {
      const viewport = { width, height: 900 }
      const { context, complaints } = await openWatched(browser, { colorScheme, viewport })
      const other = await openWatched(browser, { colorScheme, viewport })
      const page = await context.newPage()
      await page.goto(await shown.link())
      await page.getByRole('heading', { name: 'Inbox' }).waitFor()
      const stranger = await other.context.newPage()
      const found: string[] = []
      for (const view of await viewsOf(shown, page)) {
        const on = view.loggedOut === true ? stranger : page
        await openView(on, shown, view)
        const grave = await graveViolations(on)
        const isWide = await scrollsSideways(on)
        found.push(
          ...grave.map((said) => `${view.name}: ${said}`),
          ...(isWide ? [`${view.name} is wider than the window`] : []),
        )
      }
      assert.deepEqual(found, [])
      const unmeant = complaints.filter((said) => !ANSWERED.test(said))
      assert.deepEqual(unmeant, [])
      await context.close()
      await other.context.close()
    })
  }
})
