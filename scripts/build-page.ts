/**
 * Builds Mission Control: web/ becomes web/dist, with every file compressed beside itself, and the types of its client come from
 * openapi.json. `scripts/setup` runs this, and packing. Nothing is done when nothing has changed: web/dist/.made-of has the hash
 * of what it was made of.
 *
 * `--types` writes the types alone, for the gates.
 */
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { brotliCompressSync, constants } from 'node:zlib'

const ROOT = path.join(import.meta.dirname, '..')
const WEB = path.join(ROOT, 'web')
const OUT = path.join(WEB, 'dist')
const STAMP = path.join(OUT, '.made-of')
const TYPES = path.join(WEB, 'generated/contract.d.ts')
const FIELDS = path.join(WEB, 'generated/order-fields.ts')
const CONTRACT = path.join(ROOT, 'openapi.json')
/** Written for a whole set-up; without them a page would not be what the lock file says. */
const ALSO = ['openapi.json', 'package-lock.json', 'scripts/build-page.ts']
/** What old browsers lack is not made up for; these know modules, cascade layers and dialogs. */
const BROWSERS = ['chrome117', 'firefox121', 'safari17']

function hashOfSources(): string {
  const hash = createHash('sha256')
  const sources = globSync(['web/src/**/*.{ts,tsx,css,svg}', 'web/index.html'], { cwd: ROOT })
  for (const file of [...sources.toSorted(), ...ALSO]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(ROOT, file)))
      .update('\0')
  }
  return hash.digest('hex')
}

/** The types of the contract, and the help texts of its form; written only when they change, so that who watches them is left alone. */
async function writeTypes(): Promise<void> {
  const { default: openapiTS, astToString } = await import('openapi-typescript')
  await writeChanged(TYPES, astToString(await openapiTS(pathToFileURL(CONTRACT), { defaultNonNullable: false })))
  await writeChanged(FIELDS, await orderFields())
}

/** What the contract says of each field of an order, for the form: types have no words. */
async function orderFields(): Promise<string> {
  const { components } = JSON.parse(await readFile(CONTRACT, 'utf8'))
  const { properties }: { properties: Record<string, Record<string, unknown>> } = components.schemas.NewWorkOrder
  const fields = Object.entries(properties).map(([name, { description, maxLength, enum: choices }]) => {
    return [name, { help: description, maxLength, choices }] as const
  })
  return `export const ORDER_FIELDS = ${JSON.stringify(Object.fromEntries(fields), null, 2)} as const\n`
}

async function writeChanged(file: string, text: string): Promise<void> {
  const before = existsSync(file) ? await readFile(file, 'utf8') : null
  if (before === text) return
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, text)
}

async function bundle(): Promise<void> {
  const [{ build }, { default: react }] = await Promise.all([import('vite'), import('@vitejs/plugin-react')])
  await build({
    root: WEB,
    configFile: false,
    envDir: false,
    logLevel: 'warn',
    plugins: [react()],
    build: {
      outDir: OUT,
      emptyOutDir: true,
      target: BROWSERS,
      // A file of its own for each: the policy of the page allows no code and no style within it.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  })
  for (const file of globSync('assets/*.{js,css,svg}', { cwd: OUT })) {
    const whole = path.join(OUT, file)
    const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY }
    writeFileSync(`${whole}.br`, brotliCompressSync(readFileSync(whole), { params }))
  }
}

const typesAlone = process.argv.includes('--types')
const madeOf = hashOfSources()
const isMade = existsSync(STAMP) && readFileSync(STAMP, 'utf8') === madeOf && existsSync(TYPES)
if (typesAlone) await writeTypes()
else if (!isMade) {
  process.stderr.write('setup: building Mission Control, once …\n')
  await writeTypes()
  await bundle()
  writeFileSync(STAMP, madeOf)
}
