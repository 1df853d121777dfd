/**
 * Pictures of pull requests as GitHub shows them, of what Moose writes for sample orders (`test/support/pull-request-bodies.ts`):
 * each closed, as it is met, and opened: `npm run bodies -- FOLDER [NAME…]`.
 */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { openBrowser, openWatched } from '../test/support/browser.ts'
import { pullRequestPage } from '../test/support/github-markdown.ts'
import { BODIES } from '../test/support/pull-request-bodies.ts'

const [folder, ...names] = process.argv.slice(2)
if (folder === undefined) throw new Error('Say where to: npm run bodies -- FOLDER [NAME…]')
await mkdir(folder, { recursive: true })
const browser = await openBrowser()
try {
  const { context } = await openWatched(browser, { viewport: { width: 920, height: 700 } })
  const page = await context.newPage()
  for (const [name, body] of Object.entries(BODIES)) {
    if (names.length > 0 && !names.includes(name)) continue
    await page.setContent(pullRequestPage('WO-1a2b3c4d: Expire idle sessions <small>#12</small>', body))
    for (const look of ['closed', 'open']) {
      if (look === 'open')
        await page.evaluate('document.querySelectorAll("details").forEach((fold) => (fold.open = true))')
      const file = path.join(folder, `${name}-${look}.png`)
      await page.screenshot({ path: file, fullPage: true })
      process.stdout.write(`${file}\n`)
    }
  }
} finally {
  await browser.close()
}
