import { OpenAPIHono, z } from '@hono/zod-openapi'
import { plainWords } from '../contract/plain-words.ts'
import { Fault, type FaultCode } from '../faults/fault.ts'
import { describeProblems, fieldProblems } from '../faults/schema-problems.ts'
import type { HttpApp, HttpEnv } from './http-env.ts'

// The validators of the routes parse by themselves; this is how zod lets one choose its words for all of them.
z.config({ customError: plainWords })

/** An empty set of routes whose invalid requests are answered with `request_invalid`. */
export function newRoutes(): HttpApp {
  return new OpenAPIHono<HttpEnv>({ defaultHook: refuseInvalid('request_invalid') })
}

/** Problems named in one answer; a file of a thousand orders can have more than are of use. */
const MAX_PROBLEMS = 20

type Validation = { target: string } & ({ success: true } | { success: false; error: z.ZodError })

/** What becomes of a request that does not fit its schema: every field is named with what is wrong with it. */
export function refuseInvalid(code: Extract<FaultCode, 'request_invalid' | 'work_order_invalid'>) {
  return (validation: Validation): undefined => {
    if (validation.success) return undefined
    if (validation.target === 'param') throw unknownName(validation.error)
    const problems = fieldProblems(meantAlternative(validation.error))
    const shown = describeProblems(problems, MAX_PROBLEMS)
    const what = validation.target === 'json' ? 'body' : validation.target
    const fields = problems.slice(0, MAX_PROBLEMS).map(({ field }) => field)
    throw new Fault(code, `The ${what} was refused: ${shown}.`, { fields: fields.join(', ') })
  }
}

/** A text in the path that nothing can be called; `id` is that of a work order. */
function unknownName(error: z.ZodError): Fault {
  const problems = fieldProblems(error)
  const shown = describeProblems(problems)
  if (problems.some(({ field }) => field !== 'id'))
    return new Fault('not_found', `There is nothing of this name: ${shown}.`)
  return new Fault('work_order_not_found', `There is no such work order: ${shown}. See them with: moose list`)
}

/**
 * A body that is one order or many fails both ways; only one of the two says anything about what was sent. A field that
 * takes two kinds of value says so itself.
 */
function meantAlternative(error: z.ZodError): z.ZodError {
  const [issue] = error.issues
  if (issue?.code !== 'invalid_union' || issue.path.length > 0) return error
  const [one, many] = issue.errors
  if (one === undefined || many === undefined) return error
  const isMany = one.some((problem) => problem.code === 'unrecognized_keys' && problem.keys.includes('work_orders'))
  return new z.ZodError(isMany ? many : one)
}
