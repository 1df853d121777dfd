import { Fault } from '../faults/fault.ts'
import type { PullRequestWatch, Sighting } from '../ports/pull-request.ts'
import type { FollowUpForge, Unread } from '../ports/pull-request-facts.ts'
import type { Sanitize } from '../redaction/sanitize-output.ts'

/**
 * What people and programs say on a forge (names of checks, comments, reviews, logins, subjects) as Moose takes it in: without the
 * secrets that it knows. From here it goes to events, notifications, pages and models.
 */
export function followUpWithoutSecrets(forge: FollowUpForge, sanitize: Sanitize): FollowUpForge {
  return {
    ...forge,
    async factsOf(pulls, signal, unread) {
      const told: Unread = (of, fault) => unread?.(of, faultWithoutSecrets(fault, sanitize))
      return sanitize(await forge.factsOf(pulls, signal, told))
    },
    failureOf: async (...asked) => sanitize(await forge.failureOf(...asked)),
    rerunFailed: async (...asked) => sanitize(await forge.rerunFailed(...asked)),
    async mergeWhenReady(...asked) {
      const answer = await forge.mergeWhenReady(...asked)
      return 'why' in answer ? { ...answer, why: sanitize(answer.why) } : answer
    },
    revertsOf: async (...asked) => sanitize(await forge.revertsOf(...asked)),
  }
}

function faultWithoutSecrets(fault: Fault, sanitize: Sanitize): Fault {
  return new Fault(fault.code, sanitize(fault.message), fault.details, fault)
}

/** The same for what a look tells. */
export function watchWithoutSecrets(watch: PullRequestWatch, sanitize: Sanitize): PullRequestWatch {
  const shown = ({ checks, review, parts, endedBy, ...sighting }: Sighting): Sighting => ({
    ...sighting,
    ...sanitize({ checks, review, parts, endedBy }),
  })
  return {
    ...watch,
    async look(watched, signal) {
      const looked = await watch.look(watched, signal)
      const lost = looked.lost.map((one) => ({ ...one, why: sanitize(one.why) }))
      return { ...looked, lost, sightings: looked.sightings.map(shown) }
    },
  }
}
