/**
 * Installs the Aider the tests drive, once; quick when it is there. A machine without Python or package index can
 * still run the other tests: the ones that need Aider say so.
 */
import path from 'node:path'
import { installAider } from '../src/executors/aider/install.ts'

const folder = path.join(import.meta.dirname, '../.moose/test-aider')
const environment = Object.fromEntries(
  Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
)
try {
  await installAider({ folder, environment, onProgress: (message) => console.error(`setup: ${message}`), signal: null })
} catch (error) {
  console.error(
    `setup: tests of the aider executor are skipped. ${error instanceof Error ? error.message : String(error)}`,
  )
  if (process.env['CI'] === 'true') process.exitCode = 1
}
