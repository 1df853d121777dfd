import { createRoute, z } from '@hono/zod-openapi'
import { createOutputLog } from '../../attempt/output-log.ts'
import { CheckEvent, type CheckedProject, CheckProject } from '../../contract/base-checks.ts'
import { StreamEnd } from '../../contract/events.ts'
import { type HostGrant, NetworkUse } from '../../contract/hosts/host-rule.ts'
import { findProjectByName, grantsOf } from '../../db/projects.ts'
import { toFault } from '../../faults/fault.ts'
import type { CheckedBase } from '../../ports/base-checks.ts'
import type { ProjectConfig } from '../../ports/execution.ts'
import type { BaseTree } from '../../ports/proposal.ts'
import { createPublishedSanitizer, type Sanitize, shownFault } from '../../redaction/sanitize-output.ts'
import type { Toolchains } from '../../sandbox/toolchains.ts'
import type { Project } from '../../work-order/project.ts'
import { ANY_FAULT, BODY_FAULT, jsonBody, NO_SUCH_PROJECT, TOO_MANY_STREAMS } from '../answers.ts'
import { answerStream } from '../event-stream.ts'
import { isThere } from '../filing/base-files.ts'
import type { HttpDeps } from '../http-deps.ts'
import { newRoutes } from '../new-routes.ts'
import { withHeartbeats } from '../with-heartbeats.ts'

const check = createRoute({
  method: 'post',
  path: '/api/projects/{name}/check',
  operationId: 'checkProject',
  summary: 'Run set-up and checks on the base commit, where an attempt runs them',
  description: [
    'Server-sent events: `event` is the type of a CheckEvent, `data` the event; the last but one is `result` or `failed`, the',
    'last `end`. Closing the connection ends the checks. The result is kept, so that orders need not run them again, unless',
    '`moose_yaml` is given and asks for something else than the one of the base commit.',
  ].join(' '),
  tags: ['Projects'],
  request: { params: z.object({ name: z.string() }), body: jsonBody(CheckProject, false) },
  responses: {
    200: {
      description: 'What happens',
      content: { 'text/event-stream': { schema: CheckEvent.or(StreamEnd) } },
    },
    ...NO_SUCH_PROJECT,
    ...BODY_FAULT,
    ...TOO_MANY_STREAMS,
    ...ANY_FAULT,
  },
})

export const projectCheckRoutes = newRoutes().openapi(check, async (c) => {
  const { deps, limits, sanitize } = c.var
  const project = await findProjectByName(deps.db, c.req.valid('param').name)
  const request = { project, body: c.req.valid('json'), sanitize, published: createPublishedSanitizer(deps.config) }
  return answerStream(
    c,
    (signal) =>
      withHeartbeats(
        (ended) => checkEvents(deps, request, ended),
        limits.heartbeatMs,
        signal,
        deps.orchestrator.stopping,
      ),
    (event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
  )
})

type Deps = Pick<HttpDeps, 'adapters' | 'db' | 'log' | 'ownHome' | 'toolchains'>
type Request = { project: Project; body: CheckProject; sanitize: Sanitize; published: Sanitize }

/** Ends with `result` or `failed`, and with the checks when the reader leaves. */
async function* checkEvents(deps: Deps, request: Request, signal: AbortSignal): AsyncGenerator<CheckEvent> {
  const left = new AbortController()
  const waiting: CheckEvent[] = []
  let more = Promise.withResolvers<void>()
  const put = (event: CheckEvent) => {
    waiting.push(request.sanitize(event))
    more.resolve()
  }
  const running = runCheck(deps, request, { signal: AbortSignal.any([signal, left.signal]), put }).then(
    (result) => put({ type: 'result', result }),
    (error: unknown) => put({ type: 'failed', error: shownFault(toFault(error).toRecord(), request) }),
  )
  try {
    for (;;) {
      const next = waiting.shift()
      if (next === undefined) {
        await more.promise
        more = Promise.withResolvers()
        continue
      }
      yield next
      if (next.type === 'result' || next.type === 'failed') return
    }
  } finally {
    left.abort()
    await running
  }
}

async function runCheck(
  { adapters, db, log, ownHome, toolchains }: Deps,
  { project, body, sanitize }: Request,
  { signal, put }: { signal: AbortSignal; put: (event: CheckEvent) => void },
): Promise<CheckedProject> {
  const write = async (text: string) => put({ type: 'output', text })
  const output = createOutputLog(write, { shown: sanitize, log })
  await ownHome()
  if (body.fresh === true) await adapters.bases.forget(project)
  const sha = await adapters.workspaces.fetchBase(project, signal)
  put({ type: 'note', message: `base is ${project.defaultBranch} at ${sha.slice(0, 12)}` })
  const mooseYaml = body.moose_yaml === undefined ? null : body.moose_yaml
  const found = await adapters.bases.check({
    project,
    sha,
    signal,
    mooseYaml,
    onOutput: (text) => output.add(text),
    note: async (message) => put({ type: 'note', message }),
    onChecked: (checked) => {
      void output.flush()
      put({ type: 'checked', check: checked })
    },
  })
  await output.flush()
  const missing = await missingOf(adapters.workspaces.tree(project, sha), found.config)
  if (missing.length > 0) put({ type: 'note', message: missingContext(missing) })
  const { found: handed } = await toolchains()
  const granted = await grantsOf(db, project.id)
  return checkedProject(project, { sha, isGiven: mooseYaml !== null, handed, granted, ...found })
}

const MOST_NAMED = 20

/** What `context` of a `moose.yaml` names and the base does not have. */
async function missingOf(base: BaseTree, { context }: Pick<ProjectConfig, 'context'>): Promise<string[]> {
  if (context.length === 0) return []
  const paths = await base.list()
  return context.filter((path) => !isThere(paths, path))
}

function missingContext(missing: readonly string[]): string {
  const more = missing.length > MOST_NAMED ? ` and ${missing.length - MOST_NAMED} more` : ''
  const named = `${missing.slice(0, MOST_NAMED).join(', ')}${more}`
  return `context: of moose.yaml names what the base commit does not have, so no model is shown it: ${named}`
}

function checkedProject(
  project: Project,
  {
    sha,
    isGiven,
    isBase,
    config,
    prepared,
    checks,
    handed,
    granted,
    refused,
    fault,
  }: CheckedBase & { sha: string; handed: Toolchains['found']; granted: HostGrant[]; isGiven: boolean },
): CheckedProject {
  const { setup, network } = config
  const asked = NetworkUse.options.flatMap((use) => network[use].map((host) => ({ host, for: use })))
  return {
    project: project.name,
    branch: project.defaultBranch,
    sha,
    configuration: isGiven ? 'given' : 'base',
    is_base: isBase,
    setup:
      setup === null || prepared === null
        ? null
        : {
            run: setup.run,
            duration_ms: prepared.durationMs,
            reused: prepared.reused,
            not_kept: [...prepared.notKept],
          },
    checks: [...checks],
    network: { asked, granted, refused: [...refused] },
    handed: [...handed],
    fault: fault === null ? null : fault.toRecord(),
  }
}
