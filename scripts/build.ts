/**
 * Compiles src/ into dist/ and puts beside it what it reads: `npm pack` runs this before it packs, because Node takes no
 * types out of files below node_modules. Every file keeps its place, so that the paths from one to another hold.
 *
 * @see https://nodejs.org/api/typescript.html#type-stripping-in-dependencies
 */
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, rmSync } from 'node:fs'
import path from 'node:path'

const ROOT = path.join(import.meta.dirname, '..')
const OUT = path.join(ROOT, 'dist')
/** By their endings: what else lies about in a working folder is no part of the package. */
const READ = ['src/**/*.{sql,txt}', 'demo/**/*.{csv,js,json,md,txt,yaml}', 'web/dist/**/*.{html,js,css,svg,br}']

rmSync(OUT, { recursive: true, force: true })
const { status, error } = spawnSync('tsc', ['--project', 'tsconfig.build.json'], { cwd: ROOT, stdio: 'inherit' })
if (error !== undefined) throw error
for (const file of globSync(READ, { cwd: ROOT })) cpSync(path.join(ROOT, file), path.join(OUT, file))
process.exitCode = status === 0 ? 0 : 1
