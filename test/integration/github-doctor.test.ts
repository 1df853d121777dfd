import assert from 'node:assert/strict'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import type { DoctorFinding } from '../../src/contract/doctor.ts'
import { toFault } from '../../src/faults/fault.ts'
import { examineGitHub } from '../../src/forge/github/examine.ts'
import type { ServerFault } from '../support/github/github-server.ts'
import { createGitHubSetting, type GitHubSetting } from '../support/github/github-setting.ts'
import { createMooseHome } from '../support/moose-home.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'

const missing = (t: TestContext) => toolOrSkip(t, 'gh') === null || toolOrSkip(t, 'openssl') === null
const says = (status: number, message: string) => ({ status, body: { message } })
const fails = (on: RegExp, status: number, message: string): ServerFault => ({ on, what: says(status, message) })

async function look({ gh, config, project }: GitHubSetting, insideActions = false): Promise<DoctorFinding[]> {
  return await examineGitHub({ gh, config: { github: { ...config.github, insideActions } } }, project)
}

type Settings = GitHubSetting['github']['state']['settings']
/** What doctor finds, as `name | state | detail`, where these settings and faults are. */
const FINDINGS: readonly {
  settings?: Partial<Settings>
  faults?: readonly ServerFault[]
  insideActions?: true
  finds: RegExp
}[] = [
  { finds: /^github shop \| ok \| may push to acme\/shop$/ },
  {
    settings: { push: false },
    finds: /^github shop \| broken \| .*may read acme\/shop but not push.*Give it write access/,
  },
  {
    faults: [fails(/./, 401, 'Bad credentials')],
    finds: /^github shop \| broken \| .*HTTP 401.*gh auth login --hostname github.com, or set GH_TOKEN/,
  },
  { faults: [fails(/./, 404, 'Not Found')], finds: /^github shop \| broken \| .*HTTP 404.*what the token may see/ },
  { faults: [{ on: /./, what: 'drop' }], finds: /^github shop \| broken \| .*cannot be reached.*Check the network/ },
  { finds: /^checks of shop \| ok \| workflows \(1\) can run for pushes of this token$/ },
  { settings: { workflows: 0 }, finds: /^checks of shop \| optional \| the repository has no workflows$/ },
  { insideActions: true, finds: /^checks of shop \| warning \| workflows \(1\) will not run.*GitHub Actions/ },
  {
    faults: [fails(/workflows/, 403, 'no')],
    finds:
      /^checks of shop \| warning \| the token may not see the workflows, read the logs of their jobs and have them/,
  },
  {
    faults: [fails(/^POST .*rerun-failed-jobs$/, 403, 'Resource not accessible by personal access token')],
    finds: /^red checks of shop \| warning \| the token may not have failed jobs run again$/,
  },
  {
    faults: [
      fails(/^GET .*logs$/, 403, 'Must have admin rights to Repository.'),
      fails(/^POST .*rerun-failed-jobs$/, 403, 'Resource not accessible by integration'),
    ],
    finds:
      /^red checks of shop \| warning \| the token may not read the logs of their jobs and have failed jobs run again$/,
  },
  { finds: /^reviews of shop \| ok \| none is required to merge$/ },
  {
    settings: { hiddenProtection: true },
    finds: /^reviews of shop \| warning \| main is protected, and the token may not see what it requires$/,
  },
  { settings: { reviewsRequired: 1 }, finds: /^reviews of shop \| warning \| 1 required, but only 0 beside the owner/ },
  {
    settings: { classicReviews: 2, writers: ['tester', 'a'] },
    finds: /^reviews of shop \| warning \| 2 required, but only 1/,
  },
  {
    settings: { reviewsRequired: 1, writers: ['tester', 'a'] },
    finds: /^reviews of shop \| ok \| 1 required, 1 others can review$/,
  },
  {
    settings: { reviewsRequired: 1, writers: ['a'] },
    faults: [fails(/^GET \/user$/, 403, 'Resource not accessible by integration')],
    finds: /^reviews of shop \| ok \| 1 required, 1 others can review$/,
  },
  {
    settings: { reviewsRequired: 1 },
    faults: [fails(/collaborators/, 403, 'Must have push access')],
    finds: /^reviews of shop \| warning \| 1 required; the token may not see which accounts could give them$/,
  },
  { finds: /^merging of shop \| ok \| by merge$/ },
  { settings: { ruledLinear: true }, finds: /^merging of shop \| ok \| by squash, by the rules of main$/ },
  { settings: { ruledMethods: ['rebase'] }, finds: /^merging of shop \| ok \| by rebase, by the rules of main$/ },
  { settings: { mergeQueue: true }, finds: /^merging of shop \| warning \| main takes only what its merge queue/ },
  {
    settings: { ruledLinear: true, ruledMethods: ['merge'] },
    finds: /^merging of shop \| broken \| .*leave no way to merge$/,
  },
]

test('doctor asks the repository: access, workflows, reviews, ways to merge', async (t) => {
  if (missing(t)) return
  await using given = await createGitHubSetting()
  const { settings } = given.github.state
  const usual = { ...settings }
  for (const { settings: changed, faults = [], insideActions, finds } of FINDINGS) {
    await t.test(String(finds), async () => {
      Object.assign(settings, usual, changed)
      given.github.faults.splice(0, Number.POSITIVE_INFINITY, ...faults.map((fault) => ({ ...fault })))
      const lines = (await look(given, insideActions)).map(
        ({ name, state, detail }) => `${name} | ${state} | ${detail}`,
      )
      assert.ok(
        lines.some((line) => finds.test(line)),
        lines.join('\n'),
      )
    })
  }
})

/** A machine on which Moose cannot speak to GitHub, and what it says to whom it happens. */
const UNABLE: readonly {
  name: string
  host?: string
  environment: (folder: string) => Promise<Record<string, string>>
  code: string
  says: readonly RegExp[]
}[] = [
  {
    name: 'gh is missing',
    environment: async () => ({ PATH: '/nonexistent' }),
    code: 'command_missing',
    says: [/gh, .*is not installed or not on the PATH/, /https:\/\/cli\.github\.com/, /apt install gh/],
  },
  {
    name: 'gh is missing and no token is set',
    environment: async () => ({ PATH: '/nonexistent', GH_TOKEN: '' }),
    code: 'command_missing',
    says: [/gh, .*is not installed or not on the PATH/, /apt install gh/],
  },
  {
    name: 'nobody is logged in and no token is set',
    environment: async (folder) => ({ HOME: folder, GH_TOKEN: '' }),
    code: 'github_unauthorized',
    says: [/no token for github\.com/, /gh auth login --hostname github\.com/, /set GH_TOKEN\./],
  },
  {
    name: 'the only token is for another host',
    host: 'ghe.example',
    environment: async (folder) => ({ HOME: folder }),
    code: 'github_unauthorized',
    says: [
      /no token for ghe\.example/,
      /gh auth login --hostname ghe\.example/,
      /set GH_HOST=ghe\.example and GH_ENTERPRISE_TOKEN/,
    ],
  },
  {
    name: 'a token for github.com is sent to nobody but github.com',
    host: 'ghe.example',
    environment: async (folder) => ({ HOME: folder, GH_HOST: 'other.example', GH_ENTERPRISE_TOKEN: 'x'.repeat(20) }),
    code: 'github_unauthorized',
    says: [/no token for ghe\.example/],
  },
]
for (const { name, host = 'github.com', environment, code, says: texts } of UNABLE) {
  test(`${name}: publishing and doctor say what happened, why and what to type`, async (t) => {
    if (missing(t)) return
    await using given = await createGitHubSetting({ host, environment })
    const { forge, project, github } = given
    const signal = new AbortController().signal
    const fault = toFault(await forge.assertReady(project, signal).catch((error: unknown) => error))
    assert.equal(fault.code, code, fault.message)
    const [finding] = await look(given)
    assert.equal(finding?.state, code === 'command_missing' ? 'missing' : 'broken')
    for (const text of texts) {
      assert.match(fault.message, text)
      assert.match(finding.detail, text)
    }
    assert.deepEqual(github.log, [], 'nothing was sent')
  })
}

test('a gh that does not tell its token in time is no missing login', { timeout: 30_000 }, async (t) => {
  if (missing(t)) return
  const environment = async (folder: string) => {
    const bin = path.join(folder, 'bin')
    await mkdir(bin, { recursive: true })
    await writeFile(path.join(bin, 'gh'), '#!/bin/sh\nexec sleep 60\n')
    await chmod(path.join(bin, 'gh'), 0o755)
    return { GH_TOKEN: '', PATH: `${bin}:${process.env['PATH']}` }
  }
  await using given = await createGitHubSetting({ environment })
  const [finding] = await look(given)
  assert.equal(finding?.state, 'broken')
  assert.match(finding.detail, /did not tell its token for github\.com within 10 s.*set GH_TOKEN/)
})

test('doctor of a whole home: gh, the base branch and each GitHub project', async (t) => {
  if (missing(t)) return
  await using given = await createGitHubSetting()
  const { github } = given
  await using home = await createMooseHome({ a: '1\n' }, [], { GH_TOKEN: github.token, ...github.network })
  const { db } = home.database
  const onGitHub = { repository: 'https://github.com/acme/shop.git', forge: 'github' } as const
  await db.updateTable('projects').set(onGitHub).execute()
  await db
    .insertInto('projects')
    .values({ ...onGitHub, name: 'astray', default_branch: 'nope' })
    .execute()
  await using moose = await home.open('client')
  const findings = new Map((await moose.doctor(null)).map((finding) => [finding.name, finding]))
  assert.match(String(findings.get('gh')?.detail), /^gh version/)
  assert.deepEqual([findings.get('project sample')?.state, findings.get('github sample')?.state], ['ok', 'ok'])
  assert.equal(findings.get('project astray')?.state, 'broken')
  assert.match(String(findings.get('project astray')?.detail), /no branch "nope".*There are: main/)
})
