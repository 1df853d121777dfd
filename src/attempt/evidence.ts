import type { Applied } from './steps/apply.ts'
import type { Proposed } from './steps/propose.ts'
import type { Routed } from './steps/route.ts'
import type { Verified } from './steps/verify.ts'

/** What an attempt has to show before its pull request is opened: the outcome of every step so far. */
export type Evidence = { routed: Routed; proposed: Proposed; applied: Applied; verified: Verified }
