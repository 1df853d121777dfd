import { readFile } from 'node:fs/promises'
import type { Context } from 'hono'
import { isMissing } from '../../faults/error-code.ts'
import { Fault } from '../../faults/fault.ts'
import { answerNotFound } from '../answer-fault.ts'
import type { HttpEnv } from '../http-env.ts'
import { newRoutes } from '../new-routes.ts'
import { isUnknownPage, PAGE_ADDRESSES } from '../route-needs.ts'
import { PAGE_POLICY } from '../security-headers.ts'

/** Beside src/, in the checkout and in the package: what scripts/build-page.ts has made of web/. */
const BUILT = new URL('../../../web/dist/', import.meta.url)

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

/** The hash of what is in it is part of the name. */
const FOREVER = 'public, max-age=31536000, immutable'

/** Mission Control: the same document at every address of it, and its files. For people, so no part of the contract. */
export const pageRoutes = newRoutes()
for (const place of PAGE_ADDRESSES) {
  pageRoutes.get(place, (c) => documentOf(c, 200))
}
pageRoutes.get('/assets/:file', async (c) => await asset(c, c.req.param('file')))

/** Of no route: the page, which says so, to a browser that was led there; a fault to everything else. */
export async function answerUnknown(c: Context<HttpEnv>): Promise<Response> {
  return isUnknownPage(c) ? await documentOf(c, 404) : answerNotFound(c)
}

async function documentOf(c: Context<HttpEnv>, status: 200 | 404): Promise<Response> {
  const page = await built('index.html')
  if (page === null) throw new Fault('not_found', NOT_BUILT)
  return c.body(page, status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': PAGE_POLICY,
    'Cache-Control': 'no-cache',
  })
}

const NOT_BUILT =
  'Mission Control is not built in this checkout. Build it with: npm run setup   The contract is at /docs.'

async function asset(c: Context<HttpEnv>, name: string): Promise<Response> {
  const [, ending = ''] = /^[\w-]+(?:\.[\w-]+)*\.(css|js|svg)$/.exec(name) ?? []
  const type = TYPES[ending]
  if (type === undefined) throw noSuchFile()
  const takesBrotli = c.req.header('accept-encoding')?.split(/, */).includes('br') === true
  const small = takesBrotli ? await built(`assets/${name}.br`) : null
  const content = small === null ? await built(`assets/${name}`) : small
  if (content === null) throw noSuchFile()
  const headers = { 'Content-Type': type, 'Cache-Control': FOREVER, Vary: 'Accept-Encoding' }
  return c.body(content, 200, small === null ? headers : { ...headers, 'Content-Encoding': 'br' })
}

function noSuchFile(): Fault {
  return new Fault('not_found', 'There is no such file of the page. Load the page anew: it was built again meanwhile.')
}

/** Null: it is not there. */
async function built(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return new Uint8Array(await readFile(new URL(name, BUILT)))
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}
