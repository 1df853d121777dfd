/**
 * Pictures of every view of Mission Control (`test/support/page-views.ts`), light and dark, wide and on a phone, in a real
 * browser on a real `moose up` that has carried out the demo's orders: `npm run screenshots -- FOLDER [NAME…]`. Into
 * docs/images go those of the README alone: `npm run screenshots -- --readme`.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { openBrowser, openWatched } from '../test/support/browser.ts'
import { openView, type PageView, viewsOf } from '../test/support/page-views.ts'
import { type ShownMoose, showMoose } from '../test/support/shown-moose.ts'

const IMAGES = path.join(import.meta.dirname, '../docs/images')
const WIDE = { width: 1440, height: 900 }
const PHONE = { width: 390, height: 844 }
const LARGEST_BYTES = 150_000
const WEBP_QUALITY = 85

type Look = { colorScheme: 'light' | 'dark'; viewport: { width: number; height: number } }

const LOOKS: readonly Look[] = [WIDE, PHONE].flatMap((viewport) => [
  { colorScheme: 'light' as const, viewport },
  { colorScheme: 'dark' as const, viewport },
])
/** The four of the README, each once: as little as it takes to be legible. */
const README: readonly { name: string; look: Look }[] = [
  { name: 'inbox', look: { colorScheme: 'light', viewport: { width: 1280, height: 800 } } },
  { name: 'order-attempts', look: { colorScheme: 'dark', viewport: { width: 1280, height: 800 } } },
  { name: 'order-diff', look: { colorScheme: 'light', viewport: { width: 1280, height: 800 } } },
  { name: 'orders', look: { colorScheme: 'dark', viewport: { width: 1280, height: 800 } } },
]

/** As PNG, or as WebP, which is a third of it, by the ending of its name. @returns its size in bytes */
async function keep(page: Page, file: string): Promise<number> {
  if (!file.endsWith('.webp')) return (await page.screenshot({ path: file })).length
  const chromium = await page.context().newCDPSession(page)
  const { data } = await chromium.send('Page.captureScreenshot', { format: 'webp', quality: WEBP_QUALITY })
  const image = Buffer.from(data, 'base64')
  await writeFile(file, image)
  return image.length
}

/** @param wanted with the file each is kept in */
async function takeAll(shown: ShownMoose, browser: Browser, look: Look, wanted: (view: PageView) => string | null) {
  const { context } = await openWatched(browser, look)
  const stranger = await openWatched(browser, look)
  const page = await context.newPage()
  await page.goto(await shown.link())
  await page.getByRole('heading', { name: 'Inbox' }).waitFor()
  for (const view of await viewsOf(shown, page)) {
    const file = wanted(view)
    if (file === null) continue
    const on = view.loggedOut === true ? await stranger.context.newPage() : page
    await openView(on, shown, view)
    // What has just moved has come to rest.
    await on.evaluate(
      'Promise.allSettled(document.getAnimations().filter((one) => one.effect.getComputedTiming().iterations !== Infinity).map((one) => one.finished))',
    )
    const size = await keep(on, file)
    process.stdout.write(`${path.relative(process.cwd(), file)} ${size} bytes\n`)
    if (file.startsWith(IMAGES) && size > LARGEST_BYTES)
      throw new Error(`${file} is larger than ${LARGEST_BYTES} bytes.`)
  }
  await context.close()
  await stranger.context.close()
}

const { positionals, values } = parseArgs({ allowPositionals: true, options: { readme: { type: 'boolean' } } })
const [folder, ...names] = positionals
if (values.readme !== true && folder === undefined)
  throw new Error('Say where to: npm run screenshots -- FOLDER [NAME…]')
await using shown = await showMoose()
const browser = await openBrowser()
try {
  if (values.readme === true) {
    await mkdir(IMAGES, { recursive: true })
    for (const { name, look } of README) {
      await takeAll(shown, browser, look, (view) => (view.name === name ? path.join(IMAGES, `${name}.webp`) : null))
    }
  } else if (folder !== undefined) {
    await mkdir(folder, { recursive: true })
    for (const look of LOOKS) {
      const ending = `${look.colorScheme}-${look.viewport.width}.png`
      const isWanted = ({ name }: PageView) => names.length === 0 || names.includes(name)
      await takeAll(shown, browser, look, (view) =>
        isWanted(view) ? path.join(folder, `${view.name}-${ending}`) : null,
      )
    }
  }
} finally {
  await browser.close()
}
