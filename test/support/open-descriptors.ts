/**
 * A program that is started with more open than standard input, output and error: says which descriptors a check has, as JSON,
 * without a sandbox and in each.
 */
import { type SandboxSetting, sandboxSetting } from './sandbox-setting.ts'

const found: Record<string, number[]> = {}
for (const kind of ['bare', 'none', 'bubblewrap'] as const) {
  await using setting = await sandboxSetting(kind)
  found[kind] = await descriptorsIn(setting)
}
process.stdout.write(`${JSON.stringify(found)}\n`)

/** Without that of the list itself. */
async function descriptorsIn(setting: SandboxSetting): Promise<number[]> {
  const script = 'for fd in /proc/$$/fd/*; do [ ! -e "$fd" ] || echo "has ${fd##*/}"; done'
  const { outcome, outputTail } = await setting.run(script)
  if (outcome !== 'passed') throw new Error(outputTail)
  return [...outputTail.matchAll(/^has (\d+)$/gm)].map(([, descriptor]) => Number(descriptor))
}
