import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { lacking } from './tool-or-skip.ts'

/** As Debian calls it. */
const PROGRAM = 'chromium'

/** For the option `skip` of a test. */
export function whyNoBrowser(): string | false {
  return lacking(PROGRAM)
}

/** The browser of the system, without a window. As root it runs without a sandbox of its own: it loads nothing but our page. */
export async function openBrowser(): Promise<Browser> {
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return await chromium.launch({ executablePath: placeOf(PROGRAM), args })
}

function placeOf(program: string): string {
  const folders = String(process.env['PATH']).split(path.delimiter)
  const found = folders.map((folder) => path.join(folder, program)).find((file) => existsSync(file))
  if (found === undefined) throw new Error(`${program} is not in the PATH`)
  return found
}

export type Watched = {
  context: BrowserContext
  /** Errors of the page and its console, among them what its policy has refused. */
  complaints: string[]
  /** Every address that was asked for. */
  asked: URL[]
}

type ContextOptions = Parameters<Browser['newContext']>[0]

/** A browser of a user of its own: without cookies, and with an eye on everything it asks for. */
export async function openWatched(browser: Browser, options: ContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const complaints: string[] = []
  const asked: URL[] = []
  context.on('weberror', (error) => complaints.push(String(error.error())))
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  context.on('request', (request) => asked.push(new URL(request.url())))
  return { context, complaints, asked }
}

/** Whether the page is wider than its window. */
export function scrollsSideways(page: Page): Promise<boolean> {
  return page.evaluate<boolean>('document.documentElement.scrollWidth > window.innerWidth')
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/**
 * What axe finds that is serious or critical, each as one text; WCAG 2.2 AA is among its rules. It is evaluated from outside,
 * because the policy of the page lets no such script in.
 */
export async function graveViolations(page: Page): Promise<string[]> {
  const ran = await page.evaluate<{ violations: Violation[] }>(`${AXE}; axe.run()`)
  const grave = ran.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  return grave.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`))
}

type Violation = { id: string; impact: string | null; nodes: { html: string; failureSummary?: string }[] }
